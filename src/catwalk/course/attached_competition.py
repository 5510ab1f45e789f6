"""Attached competition: which one a notebook's inputs are of, one that catwalk knows or a new one."""

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from catwalk.core.errors import UserError
from catwalk.course import attached_data
from catwalk.data import infer_files
from catwalk.data.competition import Competition

# Folders of Kaggle's inputs that hold the data sets, and how many levels below them these are.
CONTAINERS = {"competitions": 1, "datasets": 2}
USUAL = {"train.csv", "test.csv", "data.csv"}  # names that say nothing of whose data they are
UNNAMED = {"input", "working", "content"}  # Kaggle's and Colab's own folders
ENDING = re.compile(r"(?i)(\.(csv|tsv|txt|data|zip|gz))+$")  # of a file that is a data set by itself
LISTED = 100  # characters of the data sets' names in a message


@dataclass(frozen=True)
class Chosen:
    """A competition's name, and the folder or zip of its files."""

    name: str
    place: Path


def find(top: Path, known: Sequence[Competition]) -> Chosen | None:
    """The competition of the data in ``top`` or below it; None if there are no pictures.

    Args:
        top: the inputs' folder; or a zip or a CSV.
        known: the competitions that have a TOML.

    Raises:
        UserError: more than one data set with pictures is there.
    """
    for competition in sorted(known, key=lambda one: not one.sha256):  # with checksums there is no doubt
        fitting = attached_data.find(competition, top).fitting
        if fitting and _is_named(competition, fitting[0].relative_to(top.parent if top.is_file() else top)):
            return Chosen(competition.name, fitting[0])
    places = _with_pictures(top)
    parts = _parts({_data_set(place, top) for place in places}, top)
    sets = {top if (one := _data_set(place, top)) in parts else one: place for place in reversed(places)}
    if len(sets) > 1:
        names = ", ".join(str(one.relative_to(top)) for one in sorted(sets))
        raise UserError(
            f"more than one data set is there: {names[:LISTED]}",
            where=str(top),
            fix="set SOURCE to the folder of one",
        )
    if not sets:
        return None
    (data_set, place), *_ = sets.items()
    return Chosen(_name(data_set, known), place if len(places) == 1 else data_set)


def _is_named(competition: Competition, place: Path) -> bool:
    """Whether the files are the competition's by their or their folder's name, not by their form alone."""
    slugs = {slug.split("/")[-1] for key, slug in competition.sources.items() if key.startswith("kaggle")}
    return not {competition.train_file, competition.test_file} & USUAL or bool(
        {competition.name, *slugs} & {part.casefold().removesuffix(".zip") for part in place.parts}
    )


def _with_pictures(top: Path) -> list[Path]:
    """The folders and zips that hold pictures, without those inside another."""
    found: list[Path] = []
    with tempfile.TemporaryDirectory(prefix="catwalk-") as scratch:
        for place in attached_data.own_places(top):
            is_inside = any(place != one and place.is_relative_to(one) for one in found)
            if not is_inside and infer_files.has_pictures(place, Path(scratch)):
                found.append(place)
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
