"""The talk: a self-contained HTML file made from the slides and figures of a submission."""

from catwalk.report import drawing, figures, slides
from catwalk.report.html import ASSETS, render
from catwalk.report.results import Results


def html(results: Results) -> str:
    """The talk as a self-contained page; the same text for the same results.

    Raises:
        UserError: see ``slide.check``.
    """
    from markupsafe import Markup

    made = slides.build(results)
    pictures = {
        name: Markup(drawing.svg(getattr(figures, name)(results), name, alt))  # noqa: S704 - it is escaped
        for slide in made
        for name, alt in slide.figures
    }
    return render(
        "talk.html.j2",
        title=results.competition.title,
        classes=len(results.competition.classes),
        size=" x ".join(map(str, results.competition.shape[:2])),
        slides=made,
        pictures=pictures,
        css=Markup(_asset("talk.css")),  # noqa: S704 - files of ours
        script=Markup(_asset("talk.js")),  # noqa: S704
    )


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")
