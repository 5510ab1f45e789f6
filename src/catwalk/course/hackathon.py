"""Hackathon: the whole pipeline in a notebook on Kaggle or Colab, from attached data to ``submission.csv``.

Nothing there is replaced: what is installed stays, TensorFlow above all. The project lies in a folder for
temporary files, so that a version on Kaggle holds the results alone.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path

from catwalk.core import advice, given_path
from catwalk.core.errors import UserError, masked, to_user_error
from catwalk.core.paths import Paths, atomic_write
from catwalk.course import (
    attached_competition,
    attached_data,
    image_packages,
    mirror,
    project_folder,
    run_stage,
    working_folder,
)
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


@dataclass(frozen=True)
class Settings:
    """The settings of the notebook's first cell.

    Attributes:
        competition: "auto": the attached data decide (see ``resolved``); or a name; of a class's own, where
            ``toml`` or an attached ``<name>.toml`` describes it.
        source: "auto": attached or uploaded files, else what the competition's TOML names; a folder, a zip
            or a CSV; or kaggle, debian, keras, sklearn.
        budget: wall-clock time of the search, as "10m".
        until: instead, a time of today by this machine's clock, as "14:40".
        seed, features, models, folds: as SEED=, FEATURES=, MODELS= and FOLDS=.
        workers: processes; None: as many as ``limits.workers`` says.
        keep: a folder that outlives the session, from which the search can be continued; None: none.
        toml: the text of a competition of one's own; None: it is one that catwalk knows, or attached.
        decide: what the attached files leave in doubt, such as {"LABEL": "kind", "TRANSPOSE": "true"}.
    """

    competition: str
    source: str = "auto"
    budget: str | None = "10m"
    until: str | None = None
    seed: int = 1
    features: str = "auto"
    models: str = "dense"
    folds: str = "auto"
    workers: int | None = None
    keep: str | None = None
    toml: str | None = None
    decide: dict[str, str] = field(default_factory=dict)

    def options(self, source: str) -> list[str]:
        """The command-line options for ``catwalk all``."""
        given = {
            "competition": self.competition,
            "source": source,
            "budget": None if self.until else self.budget,
            "until": self.until,
            "seed": self.seed,
            "features": self.features,
            "models": self.models,
            "folds": self.folds,
            "workers": self.workers,
            **{name.lower(): value for name, value in self.decide.items()},
        }
        return [f"--{name}={value}" for name, value in given.items() if value is not None]


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
    known = [
        competitions.parse(file.stem, file.read_text(encoding="utf-8"))
        for file in _brought("competitions")
        if file.suffix == ".toml"
    ]
    chosen = None
    if settings.source not in toml_keys.SOURCES and top.exists():
        chosen = attached_competition.find(top.resolve(), known)
    if chosen is None:
        default = KAGGLE_DEFAULT if INPUT.is_dir() else DEFAULT
        print(f"no data are attached that can be read as pictures: the competition is {default}")
        return replace(settings, competition=default)
    print(f"the competition is {chosen.name}: its data are in {chosen.place}{chosen.also}")
    return replace(settings, competition=chosen.name, source=str(chosen.place))


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
        CatwalkError: with one line on what to do; then neither file is written.
    """
    _set_earlier_aside()
    image_packages.ensure(print)
    inputs, settings = _inputs(), resolved(settings)
    toml, source = _toml(settings, inputs), _given(settings)
    competition = None if toml is None else competitions.parse(settings.competition, toml)
    if competition is not None and not Path(source).is_file():  # else the command looks at the files
        source = _source(settings, competition, inputs)
        if source == "kaggle" or (source == "auto" and sources.offered(competition) == ["kaggle"]):
            image_packages.ensure(print, "kaggle")
    identity = project_folder.identity(source, _files(settings, source, competition), settings.decide)
    paths = Paths(project_folder.find(settings.competition, identity, settings.keep), settings.competition)
    project(paths.root)
    _write_toml(paths, toml)
    if not competitions.is_new(paths, source):
        competitions.load(paths)
    with _kept(settings, paths):
        run_stage.run("all", *settings.options(source), root=paths.root, say=_teller(paths))
    name = _made(settings, paths)
    placed = working_folder.place(paths, name, Path.cwd())
    print(f"{' and '.join(path.name for path in placed)}: in {Path.cwd()}")
    return paths.root, name


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
    competition = competitions.load(paths)
    chosen = scope.name(features.resolve(settings.features, competition.shape), settings.models)
    context = RunContext.load(paths, competition, int(settings.seed), chosen)
    folds = 1 if settings.folds == AUTO else int(settings.folds)
    return predict.is_done(context, None, folds) or submission_names.choose(paths, None)


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
    is_auto, given = settings.source == "auto", f"SOURCE={masked(settings.source)}"
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


def _kept(settings: Settings, paths: Paths) -> contextlib.AbstractContextManager[None]:
    """Restore what an earlier session saved in ``KEEP``, and save this session's results there.

    Raises:
        UserError: there is no such folder, or it has another session's study, which would be replaced.
    """
    if not settings.keep:
        return contextlib.nullcontext()
    kept = project_folder.kept_paths(settings.keep, settings.competition)
    if not kept.root.parent.is_dir():
        raise UserError("no such folder", where=f"KEEP={settings.keep}", fix=advice.MOUNT)
    kept.root.mkdir(exist_ok=True)
    if mirror.restore(paths, kept):
        print(f"continuing the search saved in {kept.root}")
    return mirror.saving(paths, kept, print)
