"""Raw files: finds a competition's CSVs in a folder or a zip, even under slightly different names.

The names in the TOML come first. A file with another name or place is used if it is unambiguous (upper
or lower case, ``train.csv.csv``, ``test (1).csv``, a subfolder, the downloaded zip); nothing in the folder is
changed.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from catwalk.core import advice, errors, terminal
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.data import archives, idx, notebook_results
from catwalk.data.competition import Competition

DEPTH = 3  # levels of subfolders that are searched
MANIFEST = Paths(Path(), "").manifest.name
NOT_DATA = re.compile(
    r"(?i)(readme|license|copying)(\..*)?|.*\.(md|pdf|toml|py|ipynb)|desktop\.ini|thumbs\.db"
)
OTHERS = {"sample_data", "site-packages", "node_modules"}  # Colab's own, and installed packages
LISTED = 60  # characters of the names that a message lists


@dataclass(frozen=True)
class Place:
    """Where a CSV is: a file, or a zip's member."""

    path: Path
    member: str | None = None

    @property
    def folder(self) -> Path:
        """The folder that it is in; in a zip, below the zip's path."""
        return (self.path / (self.member or "")).parent


@dataclass(frozen=True)
class Found:
    """A competition's files that were found in a folder or a zip.

    Attributes:
        csvs: places by the names that the TOML gives.
        idx: the four IDX files by name, if the two CSVs are missing.
    """

    csvs: dict[str, Place]
    idx: dict[str, Path] = field(default_factory=dict)

    def names(self, competition: Competition) -> set[str]:
        """The TOML's names of the CSVs that can be read."""
        converted = {competition.train_file, competition.test_file} if self.idx else set()
        return set(self.csvs) | converted

    def is_whole(self, competition: Competition) -> bool:
        """Whether both train and test rows were found, and their labels."""
        return set(required(competition)) <= self.names(competition)

    @property
    def paths(self) -> list[Path]:
        """The files that are read, without repeats."""
        return sorted({place.path for place in self.csvs.values()} | set(self.idx.values()))


def listed(folder: Path, in_notebook: bool = False) -> list[Path]:
    """The files that the user may have put into a folder or its subfolders, sorted.

    Args:
        folder: the folder.
        in_notebook: whether it may be a notebook's own, of which ``is_searched`` tells the subfolders, and
            where catwalk's results are left out; so it may be, too, where a notebook runs the command.
    """
    return sorted(_walk(folder, DEPTH, in_notebook or terminal.is_notebook()))


def _walk(folder: Path, depth: int, in_notebook: bool) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.name.startswith((".", "__MACOSX")):
            continue
        is_ours = path.name == MANIFEST or (in_notebook and notebook_results.is_one(path))
        if path.is_dir():
            if depth and (not in_notebook or is_searched(path)):
                yield from _walk(path, depth - 1, in_notebook)
        elif path.is_file() and not is_ours and not NOT_DATA.fullmatch(path.name):
            yield path


def is_searched(folder: Path) -> bool:
    """Whether a notebook looks for data in a subfolder: not in ``OTHERS``, and not in what is mounted there.

    A mount may be Google Drive on Colab, and to walk it would take minutes. Below ``/kaggle`` each input is a
    mount.
    """
    is_of_kaggle = folder.absolute().parts[:2] == ("/", "kaggle")
    return folder.name not in OTHERS and (is_of_kaggle or not folder.is_mount())


def locate(place: Path, competition: Competition, in_notebook: bool = False) -> Found:
    """Find the competition's files in a folder or a zip; missing ones are left out.

    Args:
        place: the folder or the zip.
        competition: names the files.
        in_notebook: as ``listed`` has it.
    """
    names = needed(competition)
    if place.is_file() and competition.is_one_file and plain_name(place.name) == plain_name(names[0]):
        return Found({names[0]: Place(place)})
    if place.is_file():
        return Found(_in_zips([place], names))
    if all((place / name).is_file() for name in names):
        return Found({name: Place(place / name) for name in names})
    files = listed(place, in_notebook)
    csvs = {name: Place(path) for name in names if (path := _choose(place, files, name))}
    if not csvs.keys() >= set(required(competition)):
        zips = [path for path in files if path.suffix.casefold() == ".zip"]
        csvs = _in_zips(zips, [name for name in names if name not in csvs]) | csvs
    found = Found(csvs)
    return found if found.is_whole(competition) else Found(csvs, idx.find(place) or idx.find_below(files))


def needed(competition: Competition) -> list[str]:
    """The names of all CSVs: the required ones and, if the TOML names one, the sample submission."""
    sample = [competition.sample_file] if competition.sample_file else []
    return [*required(competition), *sample]


def required(competition: Competition) -> list[str]:
    """The names of the train CSV, the test CSV and those with their labels; one file comes once."""
    names = (
        competition.train_file, competition.test_file,
        competition.train_labels_file, competition.test_labels_file,
    )  # fmt: skip
    return list(dict.fromkeys(name for name in names if name is not None))


def _choose(folder: Path, files: list[Path], name: str) -> Path | None:
    """The one file that matches a name; None if there is none, or more than one."""
    for exact in (name, f"{name}.gz", f"{name}.zip"):
        if (folder / exact).is_file():
            return folder / exact
    here = [path for path in files if path.parent == folder]
    below = [path for path in files if path.parent != folder]
    tiers = (
        [path for path in here if plain_name(path.name) == plain_name(name)],
        [path for path in below if path.name == name],
        [path for path in below if plain_name(path.name) == plain_name(name)],
    )
    return next((tier[0] if len(tier) == 1 else None for tier in tiers if tier), None)


def plain_name(name: str) -> str:
    """A file's name without what browsers and file managers add to it."""
    name = name.casefold().strip()
    for packed in (".gz", ".zip"):
        name = name.removesuffix(packed)
    name = re.sub(r"( ?\(\d+\)| ?- copy| copy)+(?=\.|$)", "", name).removeprefix("copy of ")
    return re.sub(r"(\.csv|\.tsv|\.txt)+$", lambda found: re.findall(r"\.\w+", found[0])[0], name)


def _in_zips(zips: list[Path], names: list[str]) -> dict[str, Place]:
    """The named files that have exactly one match in the zips; one in an upper folder comes first."""
    found: dict[str, Place] = {}
    inside = [(path, archives.members(path)) for path in zips]
    for name in names:
        for same in (lambda a, b: a == b, lambda a, b: plain_name(a) == plain_name(b)):
            places = [
                Place(path, member)
                for path, members in inside
                for member in members
                if same(Path(member).name, name)
            ]
            depth = min((place.member or "").count("/") for place in places) if places else 0
            upper = [place for place in places if (place.member or "").count("/") == depth]
            if len(upper) == 1:
                found[name] = upper[0]
            if places:
                break
    return found


def check_whole(shown: str, place: Path, found: Found, competition: Competition, also: str = "") -> None:
    """Check that both CSVs, or all four IDX files, were found.

    Args:
        shown: the folder or zip as a message shows it.
        place: itself.
        found: what ``locate`` found in it.
        competition: names the two.
        also: what else can be done; by default, to correct the TOML.

    Raises:
        UserError: names what is missing, and what is there.
    """
    if found.is_whole(competition):
        return
    files = [place] if place.is_file() else listed(place)
    zips = [path for path in files if archives.is_zip(path)]
    for archive in zips:
        archives.refuse_damaged(archive)
    if place.is_file() and not zips:
        raise UserError(
            "neither a folder nor a zip",
            where=shown,
            fix=f"{advice.OTHER_DATA}, or use its folder, SOURCE={shlex.quote(str(place.parent))}",
        )
    missing = [name for name in required(competition) if name not in found.csvs]
    for name in missing:
        refuse_dangling(shown, place / name)
        _refuse_ambiguous(shown, place, files, zips, name)
    for archive in zips if not found.csvs else ():
        _refuse_idx(shown, place, archive)
    one = len(missing) == 1
    other = f"{advice.OTHER_DATA}, or " if shown.startswith("SOURCE=") else ""
    named = f", or write {'its actual name' if one else 'their actual names'} under [files] in "
    raise UserError(
        f"{' and '.join(missing)} {'is' if one else 'are'} missing, {_content(place)}",
        where=shown,
        fix=f"{other}put {'it' if one else 'them'} there"
        + (also or f"{named}competitions/{competition.name}.toml"),
    )


def refuse_dangling(shown: str, path: Path) -> None:
    """Refuse a broken link, which seems not to be there; ``shown`` is its folder's name in the message."""
    if path.is_symlink() and not path.exists():
        target = errors.shown(path.readlink())
        raise UserError(
            f"{path.name} is a broken link to {target}",
            where=shown,
            fix="put a file of that name there",
        )


def _refuse_ambiguous(shown: str, place: Path, files: list[Path], zips: list[Path], name: str) -> None:
    """Refuse a name that several files match."""
    alike = [
        str(path.relative_to(place))
        for path in files
        if path != place and plain_name(path.name) == plain_name(name)
    ]
    inside = [
        f"{path.name}: {member}"
        for path in zips
        for member in archives.members(path)
        if plain_name(Path(member).name) == plain_name(name)
    ]
    found = alike or inside
    if len(found) > 1:
        raise UserError(
            f"ambiguous: {_clipped(', '.join(found))} all match {name}",
            where=shown,
            fix=f"put a copy of the right one there as {name}",
        )


def _refuse_idx(shown: str, place: Path, archive: Path) -> None:
    """Refuse a zip of the four IDX files, such as Kaggle's of MNIST: they are read from a folder alone."""
    if idx.find_below([Path(member) for member in archives.members(archive)]):
        raise UserError(
            f"{archive.name} holds IDX files, which are not read inside a zip",
            where=shown,
            fix="unpack it, and set SOURCE= to its folder" if archive == place else "unpack it there",
        )


def _content(place: Path) -> str:
    """What is in a folder or a zip, for a message."""
    if place.is_file():
        names = archives.members(place)
    else:
        names = [str(path.relative_to(place)) for path in listed(place)]
    if not names:
        empty = place.is_dir() and not any(place.iterdir())
        return (
            "nothing is there"
            if empty or not place.exists()
            else f"no CSV found within {DEPTH} levels of folders"
        )
    return f"there is {_clipped(', '.join(names))}"


def _clipped(names: str) -> str:
    return names if len(names) <= LISTED else f"{names[: LISTED - 3]}..."
