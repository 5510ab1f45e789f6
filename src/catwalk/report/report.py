"""Report: the talk and the notebook about one submission. No other stage builds on it."""

from collections.abc import Callable
from pathlib import Path

from catwalk.core import edited_files
from catwalk.core.paths import Paths
from catwalk.report import browser
from catwalk.report.formatting import scored_on_kaggle
from catwalk.report.notebook import check, execute, is_newer
from catwalk.report.results import COMPETITION_VARIABLE, SUBMISSION_VARIABLE, scored_uploads

CELL_SECONDS = 300


def run(paths: Paths, name: str, say: Callable[[str], None]) -> None:
    """Make the talk, its PDFs if a Chromium is installed, and the executed notebook.

    Where talk and notebook are made anew, what a person has changed in them is kept under other names.

    Raises:
        UserError: the records are incomplete, the notebook is missing, or one of its cells fails.
        MachineError: no kernel could be started.
    """
    source = paths.notebook_source
    check(paths, source)
    records = [source, paths.toml, paths.recipe(name), paths.score(name), paths.looks]
    target, notebook = paths.talk(name), paths.notebook(name)
    if is_newer(target, records) and is_newer(notebook, records) and _tells_uploads(paths, target):
        say(f"report: already done, {paths.shown(target)}")
    else:
        from catwalk.report import results, talk

        page = talk.html(results.load(paths.competition, name, paths.root))
        kept: list[str] = []
        with edited_files.rewrite(paths, target, kept.append) as path:
            path.write_text(page, encoding="utf-8")
        say(f"report: {paths.shown(target)}, three minutes: open it in a browser; N opens the speaker view")
        for line in kept:
            say(line)
        given = {COMPETITION_VARIABLE: paths.competition, SUBMISSION_VARIABLE: name}
        with edited_files.rewrite(paths, notebook, say) as path:
            execute(paths, source, path, given, seconds=CELL_SECONDS)
        say(f"  {paths.shown(notebook)}")
    _print(paths, name, say)


def _tells_uploads(paths: Paths, talk: Path) -> bool:
    """Whether a talk tells how often Kaggle has scored uploads: a recipe's time stays as it is with these."""
    count = scored_uploads(paths)
    return not count or scored_on_kaggle(count) in talk.read_text(encoding="utf-8", errors="replace")


def _print(paths: Paths, name: str, say: Callable[[str], None]) -> None:
    """Print the PDFs that are missing or older than the talk."""
    page, pdfs = paths.talk(name), {paths.talk_pdf(name): "", paths.talk_notes(name): "notes"}
    missing = {pdf: fragment for pdf, fragment in pdfs.items() if not is_newer(pdf, [page])}
    chromium = browser.find()
    if missing and chromium is None:
        say("  no PDF: no Chromium or Chrome is installed here; print the page in any browser (press P)")
        return
    for pdf, fragment in missing.items():
        wrong = browser.print_pdf(str(chromium), page, pdf, fragment)
        say(f"  {paths.shown(pdf)}" if wrong is None else f"  {pdf.name} was not printed: {wrong}")
