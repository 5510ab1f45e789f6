"""The talk: a self-contained HTML file made from the slides and figures of a submission."""

from catwalk.report import drawing, figures, problem_slide, slides
from catwalk.report.formatting import percent
from catwalk.report.html import ASSETS, render
from catwalk.report.results import Results

UPRIGHT = 1000  # pixels: a wider figure does not fit a phone held upright, and is pushed sideways there


def html(results: Results) -> str:
    """The talk as a self-contained page; the same text for the same results."""
    from markupsafe import Markup

    made = slides.build(results)
    alts = {name: alt for slide in made for name, alt in slide.figures}
    drawn = {name: getattr(figures, name)(results) for name in alts}
    pictures = {
        name: Markup(drawing.svg(figure, name, alts[name]))  # noqa: S704 - it is escaped
        for name, figure in drawn.items()
    }
    return render(
        "talk.html.j2",
        title=results.competition.title,
        task=problem_slide.task(results),
        accuracy=percent(results.scores.accuracy),
        judged=f"of {results.accuracy_of} are correct",
        slides=made,
        pictures=pictures,
        wide={name for name, figure in drawn.items() if drawing.width(figure) > UPRIGHT},
        css=Markup(_asset("talk.css")),  # noqa: S704 - files of ours
        script=Markup(_asset("talk.js")),  # noqa: S704
    )


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")
