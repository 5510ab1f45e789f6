"""Attached competition: which one a notebook's inputs are of, one that catwalk knows or a new one."""

import contextlib
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from catwalk.core.errors import UserError
from catwalk.course import attached_data
from catwalk.data import archives, infer_files, raw_files
from catwalk.data.competition import Competition

# Folders of Kaggle's inputs that hold the data sets, and how many levels below them these are.
CONTAINERS = {"competitions": 1, "datasets": 2}
USUAL = {"train.csv", "test.csv", "data.csv"}  # names that say nothing of whose data they are
UNNAMED = {"input", "working", "content"}  # Kaggle's and Colab's own folders
ENDING = re.compile(r"(?i)(\.(csv|tsv|txt|data|zip|gz))+$")  # of a file that is a data set by itself
LISTED = 100  # characters of the data sets' names in a message


@dataclass(frozen=True)
class Chosen:
    """A competition's name, the folder or zip of its files, and, for a message, which others are there."""

    name: str
    place: Path
    also: str = ""


def find(top: Path, known: Sequence[Competition]) -> Chosen | None:
    """The competition of the data in ``top`` or below it; None if there are no pictures.

    Args:
        top: the inputs' folder; or a zip or a CSV.
        known: the competitions that have a TOML.

    Raises:
        UserError: more than one data set with pictures is there, and none is of a known competition; or IDX
            files that may be of one, and nothing says so.
    """
    fitting = [
        (competition, place)
        for competition in sorted(known, key=lambda one: not one.sha256)  # with checksums there is no doubt
        for place in attached_data.find(competition, top).fitting
    ]
    for competition, place in fitting:
        if _is_named(competition, place, top):
            return Chosen(competition.name, place, _others(place, top, [one for _, one in fitting]))
    places = _with_pictures(top)
    parts = _parts({_data_set(place, top) for place in places}, top)
    sets = {top if (one := _data_set(place, top)) in parts else one: place for place in reversed(places)}
    unnamed = {
        data_set: competition
        for competition, place in fitting
        if not _has_usual_names(competition) and (data_set := _data_set(place, top)) not in sets
    }
    if len(sets) + len(unnamed) > 1:
        raise UserError(
            f"more than one data set is there: {_listed({*sets, *unnamed}, top)}",
            where=str(top),
            fix="set SOURCE to the folder of one",
        )
    if unnamed:
        data_set, competition = next(iter(unnamed.items()))
        raise UserError(
            f"IDX files in the form of {competition.title}, which other data sets have too",
            where=str(data_set),
            fix=f'set COMPETITION = "{competition.name}" if they are its files; attach others as CSVs',
        )
    if not sets:
        return None
    (data_set, place), *_ = sets.items()
    return Chosen(_name(data_set, known), place if len(places) == 1 else data_set)


def _is_named(competition: Competition, place: Path, top: Path) -> bool:
    """Whether the files are the competition's by checksums or by a name, not by their form alone.

    The name is that of the CSVs, or of a folder or zip that they are in. IDX files have the same names
    everywhere: theirs is the data set's, such as mnist-dataset; kuzushiji-mnist is another one.
    """
    slugs = {slug.split("/")[-1] for key, slug in competition.sources.items() if key.startswith("kaggle")}
    names = {competition.name, *slugs}
    if _has_usual_names(competition):
        parts = place.relative_to(top.parent).parts
        return bool(names & {part.casefold().removesuffix(".zip") for part in parts})
    if competition.sha256 or not raw_files.locate(place, competition, in_notebook=True).idx:
        return True
    own = _data_set(place, top).name.casefold()
    return any(re.match(rf"{re.escape(name)}([_-]|$)", own) for name in names)


def _has_usual_names(competition: Competition) -> bool:
    return bool({competition.train_file, competition.test_file} & USUAL)


def _others(place: Path, top: Path, fitting: Iterable[Path]) -> str:
    """The other data sets with pictures, for a message; empty where there are none."""
    own = _data_set(place, top)
    places = set(fitting)
    with contextlib.suppress(UserError, OSError):  # of a file that is not used
        places.update(_with_pictures(top, own))
    others = {_data_set(one, top) for one in places if not one.is_relative_to(own)}
    return f" (also there: {_listed(others, top)}; set SOURCE to choose)" if others else ""


def _listed(sets: Iterable[Path], top: Path) -> str:
    return ", ".join(str(one if one == top else one.relative_to(top)) for one in sorted(sets))[:LISTED]


def _with_pictures(top: Path, without: Path | None = None) -> list[Path]:
    """The folders and zips that hold pictures, without those inside another, or inside ``without``.

    Raises:
        DamagedError: none was found, and the pictures may be in an archive that is damaged.
    """
    found, unread = list[Path](), list[UserError]()
    with tempfile.TemporaryDirectory(prefix="catwalk-") as scratch:
        for place in attached_data.own_places(top):
            if without is not None and place.is_relative_to(without):
                continue
            is_inside = any(place != one and place.is_relative_to(one) for one in found)
            if not is_inside and infer_files.has_pictures(place, Path(scratch), unread):
                found.append(place)
    damaged = [error for error in unread if isinstance(error, archives.DamagedError)]
    if damaged and not found:
        raise damaged[0]
    return found


def _data_set(place: Path, top: Path) -> Path:
    """The data set that a folder or zip belongs to."""
    parts = place.relative_to(top).parts
    depth = CONTAINERS.get(parts[0], 0) + 1 if parts else 0
    return top.joinpath(*parts[:depth])


def _parts(sets: Iterable[Path], top: Path) -> set[Path]:
    """Those in ``top`` that are one data set: x_train.csv.zip and x_test.csv.zip, or train/ and test/."""
    alike: dict[str, dict[Path, str]] = defaultdict(dict)  # by the name without that word
    for one in sets:
        role, rest = infer_files.role(one.name)
        if one.parent == top and role:
            alike[rest][one] = role
    return {one for some in alike.values() if {"train", "test"} <= {*some.values()} for one in some}


def _name(data_set: Path, known: Sequence[Competition]) -> str:
    """A name for the competition: the data set's."""
    stem = ENDING.sub("", data_set.name) if data_set.is_file() else data_set.name
    stem = "attached" if stem in UNNAMED else stem
    name = re.sub(r"[^a-z0-9]+", "-", stem.casefold()).strip("-") or "attached"
    return f"{name}-new" if name in {one.name for one in known} else name
