"""Hackathon: the whole pipeline in a notebook on Kaggle or Colab, from attached data to ``submission.csv``.

What is installed there stays, TensorFlow above all, but for an Optuna or a Kaggle client that is too old. The
project lies in a folder for temporary files, so that a version on Kaggle holds the results alone.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from catwalk.core import advice, given_path
from catwalk.core.errors import CatwalkError, UserError, to_user_error, without_url_passwords
from catwalk.core.paths import Paths, atomic_write
from catwalk.course import (
    attached_competition,
    attached_data,
    hackathon_settings,
    image_packages,
    project_folder,
    run_stage,
    working_folder,
)
from catwalk.course.hackathon_settings import Settings as Settings  # the notebook takes it from here
from catwalk.data import competition as competitions
from catwalk.data import raw_files, scope, sources, toml_keys
from catwalk.data.competition import Competition
from catwalk.data.run_context import RunContext
from catwalk.models import features
from catwalk.submission import predict, submission_names

FOLDERS = ("competitions", "notebooks")
AUTO = "auto"
KAGGLE_DEFAULT, DEFAULT = "digit-recognizer", "fashion-mnist"  # where no data are attached
INPUT = Path("/kaggle/input")  # of a notebook on Kaggle; elsewhere inputs are in the working folder


@contextlib.contextmanager
def _in_one_line() -> Iterator[None]:
    """Turn what goes wrong with the disk or the memory into an error of one line, as the command does."""
    try:
        yield
    except (OSError, MemoryError) as error:
        raise (to_user_error(error) or error) from None


@_in_one_line()
def resolved(settings: Settings) -> Settings:
    """The settings with a competition's name: of attached data that are not known, their data set's.

    Files of an earlier run are moved aside first, so that none is left should this or ``run`` fail.

    Raises:
        UserError: more than one data set is attached, or IDX files that may be another data set's.
    """
    _set_earlier_aside()
    if settings.competition != AUTO:
        return settings
    top = _inputs() if settings.source in (AUTO, *toml_keys.SOURCES) else given_path.expanded(settings.source)
    chosen = None
    if settings.source not in toml_keys.SOURCES and top.exists():
        chosen = attached_competition.find(top.resolve(), _known())
    if chosen is None:
        default = KAGGLE_DEFAULT if INPUT.is_dir() else DEFAULT
        print(f"no data are attached that can be read as pictures: the competition is {default}")
        return replace(settings, competition=default)
    print(f"the competition is {chosen.name}: its data are in {chosen.place}{chosen.also}")
    return replace(settings, competition=chosen.name, source=str(chosen.place))


def _known() -> list[Competition]:
    """The competitions of the installed catwalk."""
    tomls = [file for file in _brought("competitions") if file.suffix == ".toml"]
    return [competitions.parse(file.stem, file.read_text(encoding="utf-8")) for file in tomls]


def _set_earlier_aside() -> None:
    work = Path.cwd()
    if aside := working_folder.set_aside(work):
        print(f"files of an earlier run were moved to {aside.relative_to(work)}")


def _inputs() -> Path:
    """The folder of what is attached or uploaded."""
    return INPUT if INPUT.is_dir() else Path.cwd()


@_in_one_line()
def run(settings: Settings) -> tuple[Path, str]:
    """Search, predict and report; write ``submission.csv`` and ``talk.html`` to the current folder.

    Returns:
        The project's folder, and the submission's name there.

    Raises:
        CatwalkError: with one line on what to do; then neither file is written, unless the submission of
            these settings was complete before it failed.
    """
    _set_earlier_aside()
    image_packages.ensure(print)
    inputs, settings = _inputs(), resolved(settings)
    if INPUT.is_dir() and (line := hackathon_settings.too_long(settings, datetime.now())):
        print(line)
    toml, source = _toml(settings, inputs), _given(settings)
    competition = None if toml is None else competitions.parse(settings.competition, toml)
    if competition is None and source in (AUTO, *toml_keys.SOURCES):
        source = str(_place_of_new(settings, inputs))
    elif competition is not None and not Path(source).is_file():  # else the command looks at the files
        source = _source(settings, competition, inputs)
        if source == "kaggle" or (source == "auto" and sources.offered(competition) == ["kaggle"]):
            image_packages.ensure(print, "kaggle")
    identity = project_folder.identity(source, _files(settings, source, competition), settings.decide)
    paths = Paths(project_folder.find(settings.competition, identity, settings.keep), settings.competition)
    project(paths.root)
    _write_toml(paths, toml)
    if not competitions.is_new(paths, source):
        competitions.load(paths)
    with project_folder.saved_in(settings.keep, paths, print):
        _run_all(settings, source, paths)
    name = _made(settings, paths)
    _place(paths, name)
    return paths.root, name


def _run_all(settings: Settings, source: str, paths: Paths) -> None:
    """Run the command; what fails after the submission, as the talk may, does not throw that away."""
    try:
        run_stage.run("all", *settings.options(source), root=paths.root, say=_teller(paths))
    except CatwalkError:
        with contextlib.suppress(CatwalkError, OSError, ValueError):  # the command's own error is raised
            if name := _complete(settings, paths):
                print("the submission was complete before the command failed")
                _place(paths, name)
        raise


def _place(paths: Paths, name: str) -> None:
    placed = working_folder.place(paths, name, Path.cwd())
    print(f"{' and '.join(path.name for path in placed)}: in {Path.cwd()}")


def _place_of_new(settings: Settings, inputs: Path) -> Path:
    """The attached data of a competition that no TOML describes.

    Raises:
        UserError: none are attached, they are of a competition that has a TOML, or SOURCE needs a TOML.
    """
    known = {one.name: one for one in _known()}
    what = f"unknown competition {settings.competition!r} (known: {', '.join(known)})"
    is_auto = settings.source == AUTO
    chosen = attached_competition.find(inputs.resolve(), [*known.values()]) if is_auto else None
    if chosen is None:
        raise UserError(f"{what}, and a new one needs its data", fix=advice.ATTACH)
    if chosen.name in known:
        raise UserError(
            f"{what}, and the data in {chosen.place} are of {chosen.name}",
            fix=f'set COMPETITION = "{chosen.name}", or, for a new one, SOURCE to the folder of its data',
        )
    print(f"{settings.competition} is a new competition: its data are in {chosen.place}{chosen.also}")
    return chosen.place


def _given(settings: Settings) -> str:
    """SOURCE; an existing file's or folder's path is made absolute, for the command runs elsewhere."""
    place = given_path.expanded(settings.source)
    is_place = settings.source not in (AUTO, *toml_keys.SOURCES) and place.exists()
    return str(place.resolve()) if is_place else settings.source


def _files(settings: Settings, source: str, competition: Competition | None) -> list[Path]:
    """The files of the data: the competition's, or all that a new one may be drafted from."""
    place = Path(source)
    if source in (AUTO, *toml_keys.SOURCES) or not place.exists():
        return []
    if competition is not None:
        return raw_files.locate(place, competition, in_notebook=True).paths
    kept = given_path.expanded(settings.keep).resolve() if settings.keep else None
    return [path for path in attached_data.files(place) if kept is None or not path.is_relative_to(kept)]


def _teller(paths: Paths) -> Callable[[str], None]:
    """What prints the command's lines, and shows the pictures that it draws of a new competition."""
    is_drawn = paths.samples.is_file()

    def tell(line: str) -> None:
        nonlocal is_drawn
        print(line)
        if not is_drawn and paths.samples.is_file():
            is_drawn = True
            from IPython.display import display

            from catwalk.report import figures

            alt = "Ten of the training pictures, each with its class"
            display(figures.shown(paths.samples.read_bytes(), alt))  # type: ignore[no-untyped-call]

    return tell


def _made(settings: Settings, paths: Paths) -> str:
    """The submission of these settings: the newest one may be of others that were run in between."""
    return _complete(settings, paths) or submission_names.choose(paths, None)


def _complete(settings: Settings, paths: Paths) -> str | None:
    """The submission that was made from all trials of these settings; None if there is none."""
    competition = competitions.load(paths)
    chosen = scope.name(features.resolve(settings.features, competition.shape), settings.models)
    context = RunContext.load(paths, competition, int(settings.seed), chosen)
    folds = 1 if settings.folds == AUTO else int(settings.folds)
    return predict.is_done(context, None, folds)


def project(folder: Path) -> Path:
    """Make ``folder`` a project: copy the competitions and notebooks of the installed catwalk.

    Files that are there already stay as they are.
    """
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for file in _brought(name):
            target = folder / name / file.name
            if not target.exists():
                shutil.copyfile(file, target)
    return folder


def _brought(name: str) -> list[Path]:
    """The files of a folder in the installed checkout or package."""
    package = Path(str(files("catwalk")))
    checkout = package.parents[1] / name
    found = checkout if (package.parents[1] / "pyproject.toml").is_file() else package / name
    return sorted(path for path in found.glob("*.*") if path.suffix in (".toml", ".ipynb"))


def _toml(settings: Settings, inputs: Path) -> str | None:
    """The competition's TOML: of the first cell, catwalk's own, or an attached file's; None if it is new."""
    if settings.toml and settings.toml.strip():
        return settings.toml
    ours = [file for file in _brought("competitions") if file.name == f"{settings.competition}.toml"]
    file = ours[0] if ours else attached_data.toml(settings.competition, inputs)
    return None if file is None else file.read_text(encoding="utf-8-sig")


def _write_toml(paths: Paths, text: str | None) -> None:
    """Write the TOML that is known; one that was drafted from the files stays where there is none."""
    if text is None or (paths.toml.is_file() and paths.toml.read_text(encoding="utf-8") == text):
        return
    with atomic_write(paths.toml) as aside:
        aside.write_text(text, encoding="utf-8")


def _source(settings: Settings, competition: Competition, inputs: Path) -> str:
    """The data source: files with the competition's columns, else, for "auto", the TOML's sources.

    Raises:
        UserError: a folder or zip was given, and nothing in it matches.
    """
    if settings.source in toml_keys.SOURCES:
        return settings.source
    is_auto, given = settings.source == "auto", f"SOURCE={without_url_passwords(settings.source)}"
    top = inputs if is_auto else given_path.expanded(settings.source).resolve()
    if not top.exists():
        raise UserError("no such folder", where=given, fix=advice.CHOOSE_ONE_SOURCE)
    attached = attached_data.find(competition, top)
    if attached.fitting:
        chosen, *others = attached.fitting
        also = f" ({len(others)} more match, such as {others[0]}; set SOURCE to choose)" if others else ""
        print(f"using the data in {chosen}{also}")
        return str(chosen)
    refused = f" ({attached.refused[0]})" if attached.refused else ""
    nothing = (
        f"no file there has the columns of {competition.name}, {attached_data.columns(competition)}{refused}"
    )
    if not is_auto:
        raise UserError(nothing, where=given, fix=advice.ATTACH)
    if inputs == INPUT and sources.offered(competition) == ["kaggle"]:  # they are attached, not downloaded
        raise UserError(nothing, where=str(inputs), fix=advice.ATTACH)
    if inputs == INPUT and "sklearn" not in competition.sources:
        print(f"{inputs}: {nothing}: {advice.ATTACH}; or turn Internet on to download them")
    return "auto"
