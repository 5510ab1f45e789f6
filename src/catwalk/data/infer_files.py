"""Files: which files of a folder or zip are train, test, labels and sample submission."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from catwalk.core.errors import UserError
from catwalk.data import infer_candidates, infer_columns, usage_column
from catwalk.data.infer_columns import ColumnRoles
from catwalk.data.infer_doubt import DoubtError, listed
from catwalk.data.infer_table import NARROW, Table
from catwalk.data.raw_files import Place

ROLE = re.compile(
    r"(?i)(?<![a-z])(?:(?P<train>train(?:ing)?|tra)|(?P<test>test(?:ing)?|tes|t10k|eval)|"
    r"(?P<other>valid(?:ation)?|val|dev|extra))(?![a-z])"
    r"|(?P<train2>train(?:ing)?(?=[A-Z_]))|(?P<test2>test(?:ing)?(?=[A-Z_]))"
)
SAMPLE = re.compile(r"(?i)sample|submission")


@dataclass(frozen=True)
class Pictures:
    """A table of pictures: its name, where it is, what it shows, and its columns' roles."""

    name: str
    place: Place
    table: Table
    columns: ColumnRoles

    @property
    def has_labels(self) -> bool:
        return bool(self.columns.labels)

    @property
    def has_test_rows(self) -> bool:
        """Whether a usage column says that some rows are the test."""
        at = self.columns.usage
        return at is not None and any(usage_column.is_test(cell) for cell in set(self.table.column(at)))


@dataclass(frozen=True)
class Files:
    """The files of a competition.

    Attributes:
        train: the labelled pictures.
        test: the test's; None: a share of train is held out, or its usage column says which rows.
        train_labels, test_labels: CSVs of labels alone, by name; None: the pictures' files have them.
        samples: the sample submission; more than one if nothing says which of them it is.
        unused: names of other tables of pictures.
        why: for each of "train", "test", ..., why it is this one.
    """

    train: Pictures
    test: Pictures | None
    train_labels: Table | None = None
    test_labels: Table | None = None
    samples: tuple[Table, ...] = ()
    unused: tuple[str, ...] = ()
    why: dict[str, str] = field(default_factory=dict)


def find(source: Path, scratch: Path, choice: dict[str, str]) -> Files:
    """Find out what each file of a folder or zip is, or a single CSV.

    Args:
        source: the place.
        scratch: an empty folder for what must be unpacked.
        choice: what the user has decided: ``TRAIN`` and ``TEST``, names of files.

    Raises:
        DoubtError: more than one file may be meant.
        UserError: there are no pictures, or they are in a file that can't be read.
    """
    pictures, narrow, unread = list[Pictures](), list[Table](), list[UserError]()
    for name, place, table in infer_candidates.tables(source, scratch, unread):
        is_sample = _is_sample(table)
        columns = None if is_sample else infer_columns.find(table)
        if columns is not None:
            pictures.append(Pictures(name, place, table, columns))
        elif is_sample or table.width <= NARROW:
            narrow.append(table)
    if not pictures:
        if unread:  # perhaps that is the file with the pictures
            raise unread[0]
        for name, place in infer_candidates.candidates(source, []):
            infer_candidates.refuse_other_kind(name, place)
        raise UserError(
            "found no CSV with one picture in each row",
            where=str(source),
            fix="set SOURCE= to a folder, zip or CSV of pixels (pictures as image files can't be read)",
        )
    _refuse_unread(source, scratch, pictures, choice)
    train, test, why = _train_and_test(pictures, choice)
    _refuse_same_names(source, train, test)
    _refuse_other_header(train, test)
    train = _whole(train, scratch)
    test = test and _whole(test, scratch)
    found = Files(train, test, why=why)
    unused = [one.name for one in pictures if one.name not in (train.name, test.name if test else "")]
    return _with_narrow(found, narrow, tuple(unused))


def has_pictures(source: Path, scratch: Path, unread: list[UserError]) -> bool:
    """Whether a notebook's folder, zip or CSV holds a table of pictures, judged by the tables' beginnings.

    The reasons why files can't be read are added to ``unread``.
    """
    tables = infer_candidates.tables(source, scratch, unread, in_notebook=True)
    return any(infer_columns.find(table) is not None for _, _, table in tables)


def _refuse_other_header(train: Pictures, test: Pictures | None) -> None:
    """Refuse a pair of which one file has column names and the other has none: a TOML says it of both."""
    if test is None or train.columns.pixels.is_one_cell or train.columns.by_place == test.columns.by_place:
        return
    with_names, without = (test, train) if train.columns.by_place else (train, test)
    if without.table.names is None:
        fix = f"write those of {with_names.name} above the first row of a copy, without what is not there"
        raise UserError(f"no column names, but {with_names.name} has them", where=without.name, fix=fix)


def _is_sample(table: Table) -> bool:
    """Whether a file's name says sample submission; one with a column for each class may be wide."""
    is_said = "submission" in table.name.casefold()
    return is_said or (table.width <= NARROW and bool(SAMPLE.search(table.name)))


def _refuse_unread(source: Path, scratch: Path, pictures: list[Pictures], choice: dict[str, str]) -> None:
    """Refuse a file that can't be read and is train or test by its name, if no other is, or it was chosen."""
    known = {role(one.name)[0] for one in pictures} | {variable.casefold() for variable in choice}
    lacking, chosen = {"train", "test"} - known, {choice.get("TRAIN"), choice.get("TEST")}
    infer_candidates.refuse_unread(source, scratch, lambda name: name in chosen or role(name)[0] in lacking)


def _refuse_same_names(source: Path, *used: Pictures | None) -> None:
    """Refuse a file whose name another folder has at the same level: a TOML can't tell them apart."""
    places = infer_candidates.places(source, [])
    for one in used:
        same = [(depth, place.folder) for depth, name, place in places if one and name == one.name]
        if one is not None and len({folder for depth, folder in same if depth == min(same)[0]}) > 1:
            raise UserError(
                f"{one.name} is in more than one folder",
                where=str(source),
                fix="put a copy of each with a name of its own there",
            )


def _whole(one: Pictures, scratch: Path) -> Pictures:
    """The same pictures, with a table of the whole file instead of its beginning."""
    if infer_candidates.is_plain(one.place):
        return one
    table = infer_candidates.table(one.name, one.place, scratch, is_head=False)
    columns = table and infer_columns.find(table)
    return Pictures(one.name, one.place, table, columns) if table and columns else one


def role(name: str) -> tuple[str, str]:
    """What a file's name says ("train", "test", "other" or ""), and the name without that word."""
    stem = name if re.search(r"(?i)\.(train|test|tra|tes)$", name) else name.rsplit(".", 1)[0]
    found = list(ROLE.finditer(stem))
    if not found:
        return "", stem.casefold()
    last = found[-1]
    kind = next(key for key, text in last.groupdict().items() if text).rstrip("2")
    rest = stem[: last.start()] + stem[last.end() :]
    return kind, re.sub(r"[^a-z0-9]|\d+x\d+", "", rest.casefold())


def _train_and_test(
    pictures: list[Pictures], choice: dict[str, str]
) -> tuple[Pictures, Pictures | None, dict[str, str]]:
    named = {one.name: one for one in pictures}
    for variable in ("TRAIN", "TEST"):
        if choice.get(variable, next(iter(named))) not in named and not _is_share(choice[variable]):
            raise UserError(
                f"no such table of pictures (found: {listed(list(named), 80)})",
                where=f"{variable}={choice[variable]}",
                fix="choose one",
            )
    train = named[choice["TRAIN"]] if "TRAIN" in choice else _train(pictures)
    why = {"train": "as TRAIN= says" if "TRAIN" in choice else _why_train(train, pictures)}
    if "TEST" in choice:
        test, train = named.get(choice["TEST"]), _without_usage(train)
        return train, test and _like(test, train), why | {"test": "as TEST= says"}
    test = _test(train, pictures)
    if test is not None:
        why["test"] = "by its name" if role(test.name)[0] == "test" else "it has no labels"
    return train, test, why


def _without_usage(train: Pictures) -> Pictures:
    """The training data with a usage column that plays no part."""
    columns, names = train.columns, train.table.names
    if columns.usage is None or names is None:
        return train
    ignored = (*columns.ignored, names[columns.usage])
    return replace(train, columns=replace(columns, usage=None, ignored=ignored))


def _is_share(text: str) -> bool:
    return bool(re.fullmatch(r"0?\.\d+", text))


def _train(pictures: list[Pictures]) -> Pictures:
    if len(pictures) == 1:
        return pictures[0]
    trains = [one for one in pictures if role(one.name)[0] == "train"]
    plain = [one for one in trains if not role(one.name)[1]]  # train.csv beside others
    labelled = [one for one in pictures if one.has_labels and role(one.name)[0] not in ("test", "other")]
    for some in (plain, trains, labelled):
        if len(some) == 1:
            return some[0]
        if len(some) > 1:
            names = [one.name for one in some]
            raise DoubtError("TRAIN", "more than one file may be the training data", names)
    names = [one.name for one in pictures]
    raise DoubtError("TRAIN", "no file's name or labels say which is the training data", names)


def _why_train(train: Pictures, pictures: list[Pictures]) -> str:
    if len(pictures) == 1:
        return "the only file with a picture in each row"
    return "by its name" if role(train.name)[0] == "train" else "the only one that has labels"


def _test(train: Pictures, pictures: list[Pictures]) -> Pictures | None:
    """The test that belongs to the training data: named alike but for the word, with as many pixels."""
    if train.has_test_rows:
        return None
    others = [_like(one, train) for one in pictures if one is not train]
    alike = [one for one in others if one.columns.pixels.count == train.columns.pixels.count]
    stem = role(train.name)[1]
    tests = [one for one in alike if role(one.name)[0] == "test"]
    same = [one for one in tests if role(one.name)[1] == stem]
    unlabelled = [one for one in alike if not one.has_labels and not role(one.name)[0]]
    for some in (same, tests if not stem or len(pictures) == 2 else [], unlabelled):
        if len(some) == 1:
            return some[0]
        if len(some) > 1:
            raise DoubtError("TEST", "more than one file may be the test file", [one.name for one in some])
    return None


def _like(one: Pictures, train: Pictures) -> Pictures:
    """Pictures whose columns are found by position, with the label where the training data have it."""
    label = train.columns.label
    if not (one.columns.by_place and train.columns.by_place) or one.columns.pixels.is_one_cell:
        return one
    fewer = train.table.width - one.table.width
    if label is None or fewer not in (0, 1):
        return one
    at = None if fewer else label
    return replace(one, columns=infer_columns.with_label(one.columns, at, one.table.width))


def _with_narrow(found: Files, narrow: list[Table], unused: tuple[str, ...]) -> Files:
    """Add the files of labels, and the sample submission."""
    samples = [table for table in narrow if SAMPLE.search(table.name)]
    others = [table for table in narrow if table not in samples and table.width <= 2]
    why = dict(found.why)
    train_labels = test_labels = None
    if not found.train.has_labels:
        train_labels = _labels_of(found.train, others)
        why["train_labels"] = "as many rows: joined by id, or in the same order"
    if found.test is not None and not found.test.has_labels:
        named = [table for table in others if role(table.name)[0] == "test"]
        rest = [table for table in others if table != train_labels]
        test_labels = _labels_of(found.test, named if train_labels is None else rest)
        why["test_labels"] = "as many rows: joined by id, or in the same order; sealed at prepare"
    said = [table for table in samples if "sample" in table.name.casefold()]
    samples = [] if found.test is None else said if len(said) == 1 else samples
    return Files(found.train, found.test, train_labels, test_labels, tuple(samples), unused, why)


def _labels_of(pictures: Pictures, tables: list[Table]) -> Table | None:
    """The file that has one row for each picture; of several, the one of the same role."""
    count = pictures.table.row_count
    fitting = [table for table in tables if table.row_count == count]
    fitting += [_below_a_number(table) for table in tables if _has_number_as_name(table, count)]
    kind = role(pictures.name)[0]
    alike = [table for table in fitting if role(table.name)[0] == kind]
    some = alike or fitting
    return some[0] if len(some) == 1 else None


def _has_number_as_name(table: Table, count: int) -> bool:
    """Whether one row too many is there, the first being the name that pandas gives an array's column."""
    return table.names is None and table.row_count == count + 1 and table.rows[0][-1] == "0"


def _below_a_number(table: Table) -> Table:
    return replace(table, skip_rows=table.skip_rows + 1, lines=table.lines[1:], head=table.head - 1)
