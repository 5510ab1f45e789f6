"""Infer: looks at a competition's files and drafts its TOML, each value with the reason for it."""

from dataclasses import dataclass, field
from pathlib import Path

from catwalk.core.errors import UserError
from catwalk.data import (
    infer_classes,
    infer_columns,
    infer_files,
    infer_pixels,
    infer_shape,
    infer_submission,
)
from catwalk.data.competition import AUGMENTATIONS
from catwalk.data.infer_columns import ColumnRoles
from catwalk.data.infer_doubt import DoubtError
from catwalk.data.infer_files import Files, Pictures
from catwalk.data.infer_submission import Submission
from catwalk.data.infer_table import Table
from catwalk.data.toml_draft import Value

HELD_OUT = 0.15  # share of the one file's pictures that becomes the test
OTHERS = [f'"{name}"' for name in AUGMENTATIONS if name != "shift"]  # which may change the class
WHY_SHIFT = (
    "a picture shifted by a pixel keeps its class; the files can't show whether a flipped or rotated one "
    f"does (a rotated 6 is a 9): to allow more, add {', '.join(OTHERS[:-1])} or {OTHERS[-1]}"
)
WHY_UPRIGHT = (
    "the files can't show this: set it to true if the pictures lie on their side (and exchange height and "
    "width in shape)"
)


@dataclass(frozen=True)
class Draft:
    """The drafted TOML, and what else was found.

    Attributes:
        values: the TOML's keys, in its order.
        notes: more that the user should know.
        train: the table that the sample pictures come from.
    """

    values: list[Value]
    notes: list[str] = field(default_factory=list)
    train: Table | None = None


def look(source: Path, title: str, scratch: Path, choice: dict[str, str]) -> Draft:
    """Draft a competition's TOML from its files.

    Args:
        source: a folder, a zip or a CSV.
        title: for people.
        scratch: an empty folder for what must be unpacked; the draft's table may lie there.
        choice: what the user has decided, by the names in ``toml_choices.CHOICES``.

    Raises:
        DoubtError: something must be decided by the user.
        UserError: there is nothing that can be read as pictures.
    """
    files = infer_files.find(source, scratch, choice)
    train = files.train
    columns = _with_label(train, files, choice)
    classes = _classes(train, columns, files)
    sampled = infer_pixels.values(train.table, columns.pixels, infer_shape.PICTURES * 7)
    shape, why_shape = _shape(sampled, columns, choice)
    try:
        points = infer_pixels.has_points(train.table, columns.pixels)
        scale, lowest, why_scale = infer_pixels.scale(sampled, points)
    except ValueError as error:
        fix = "write them as 0 to 255, 0 to 1 or 0 to 65535 in a copy of the file"
        raise UserError(str(error), where=train.name, fix=fix) from None
    lying, sides = choice.get("TRANSPOSE"), shape.sides
    if lying == "true" and "SHAPE" not in choice:  # what was found is how they lie
        sides = (*sides[1::-1], *sides[2:])
    id_, ignored, why_id = _id(columns, train, files, choice)
    submission = _submission(files, columns, classes, id_)
    labels = [Value("", "labels", list(classes.labels or ()), "the integers of the label column")]
    values = [
        Value("", "title", title, "for people to read; change it as you like"),
        Value("", "shape", list(sides), why_shape),
        Value("", "classes", list(classes.names), classes.why),
        *(labels if classes.labels else []),
        Value("", "augment", ["shift"], WHY_SHIFT),
        *_files(files, choice, submission),
        *_columns(files, columns),
        *([Value("columns", "id", id_, why_id)] if id_ else []),
        *([Value("columns", "ignore", ignored, "neither label, id nor pixel")] if ignored else []),
        *([Value("columns", "scale", scale, why_scale)] if scale else []),
        *([Value("columns", "lowest", lowest, "the value of black, subtracted first")] if lowest else []),
        *([Value("columns", "planes", True, why_shape)] if shape.is_planar else []),
        Value("columns", "transpose", lying == "true", "as TRANSPOSE= says" if lying else WHY_UPRIGHT),
        *_of_submission(submission, files, id_),
    ]
    notes = [f"{name}: also contains pictures, but is not used" for name in files.unused]
    notes += [submission.note] if submission.note else []
    return Draft(values, [*notes, f"pixels: {why_scale}"], train.table)


def _with_label(train: Pictures, files: Files, choice: dict[str, str]) -> ColumnRoles:
    """The train table's columns, with the right one as the label."""
    columns, table = train.columns, train.table
    names = table.names or []
    if "LABEL" in choice:
        at = _chosen(choice["LABEL"], table, "LABEL")
        return infer_columns.with_label(columns, at, table.width)
    if files.train_labels is not None:
        return columns
    is_plain = columns.is_sure and columns.labels and not columns.by_place
    if wrong := None if is_plain else infer_columns.hindrance(table, columns.labels):
        raise UserError(wrong[0], where=train.name, fix=wrong[1])
    if not columns.labels:
        others = [name for i, name in enumerate(names) if i not in columns.pixels.at and name]
        candidates = ["first", "last"] if columns.by_place else others
        raise DoubtError("LABEL", f"{train.name}: no column looks like the label", candidates)
    if not columns.is_sure:
        ends = {table.width - 1: "last"}
        candidates = [names[i] if names else ends.get(i, "first") for i in columns.labels]
        raise DoubtError("LABEL", f"{train.name}: more than one column may be the label", candidates)
    return columns


def _chosen(text: str, table: Table, variable: str) -> int:
    """The position of a column that the user names, or calls first or last."""
    places = {"first": 0, "last": table.width - 1}
    names = [name.casefold() for name in (table.names or [])]
    if text.casefold() in names:
        return names.index(text.casefold())
    if text.casefold() in places:
        return places[text.casefold()]
    raise UserError(
        f"{table.name} has no such column",
        where=f"{variable}={text}",
        fix="choose a name from its first row, or first, or last",
    )


def _classes(train: Pictures, columns: ColumnRoles, files: Files) -> infer_classes.Classes:
    if columns.label is not None:
        name = train.table.names[columns.label] if train.table.names else f"column {columns.label + 1}"
        cells = infer_classes.label_column(train.table, columns.label, columns.usage)
        return infer_classes.classes(cells, f"{train.name}: {name}")
    assert files.train_labels is not None
    table = files.train_labels
    return infer_classes.classes(infer_classes.column(table, table.width - 1), table.name)


def _shape(sampled: object, columns: ColumnRoles, choice: dict[str, str]) -> tuple[infer_shape.Shape, str]:
    import numpy as np

    values = np.asarray(sampled)
    if "SHAPE" in choice:
        try:
            return infer_shape.parse(choice["SHAPE"], values.shape[1]), "as SHAPE= says"
        except ValueError as error:
            fix = "write height x width: 28x28, 28x28x3, or 3x28x28 for planes"
            raise UserError(str(error), where=f"SHAPE={choice['SHAPE']}", fix=fix) from None
    count = f"{values.shape[1]:,} values"
    sides = columns.pixels.sides
    if sides is not None:
        return infer_shape.Shape(sides), f"the column names are numbered as {'x'.join(map(str, sides))}"
    ranked = infer_shape.ranked(values)
    if not ranked:
        raise DoubtError("SHAPE", f"{count} form neither a square nor a likely rectangle", [])
    best, *others = ranked
    near = [one for one in others if one.roughness < infer_shape.NEAR * best.roughness]
    doubtful = [one for one in near if one.roughness < infer_shape.DOUBT * best.roughness]
    if doubtful:
        names = [one.text for one in (best, *doubtful)]
        raise DoubtError("SHAPE", f"{count}: more than one shape is likely", names)
    if best.roughness > infer_shape.UNLIKE:
        unlike = "neighbouring values are hardly more alike than any two"
        raise DoubtError("SHAPE", f"{count}: are these pictures? {unlike}", [best.text])
    why = f"{count} per picture"
    if others:
        kind = "in planes" if best.is_planar else "interleaved" if len(best.sides) == 3 else "grey"
        why += f"; {kind}, because neighbouring values are then most alike"
    if near:
        why += f" (second best: {near[0].text}, SHAPE={near[0].text})"
    return best, why


def _id(
    columns: ColumnRoles, train: Pictures, files: Files, choice: dict[str, str]
) -> tuple[str | None, list[str], str]:
    """The id column's name, the columns that are ignored, and why that column is the id."""
    names, test = train.table.names, files.test
    ignored = [*columns.ignored, *(names[i] for i in columns.labels[1:] if names)]
    label = names[columns.label] if names and columns.label is not None else None
    ours = names[columns.id] if names and columns.id is not None else "id" if columns.id is not None else None
    id_, why = ours, "no two rows have the same value"
    if columns.usage is not None and names and not _divides(files):
        ignored.append(names[columns.usage])
    if test is not None:
        theirs, test_names = test.columns, test.table.names
        if test_names:
            ignored += theirs.ignored
            ignored += [test_names[i] for i in (*theirs.labels, theirs.usage) if i is not None]
        id_ = None if theirs.id is None else test_names[theirs.id] if test_names else ours
        why = "no two test rows have the same value"
    if names:
        ignored += [name for name in (ours, id_) if name]
    if "ID" in choice:
        table = (test or train).table
        at = _chosen(choice["ID"], table, "ID")
        id_, why = table.names[at] if table.names else "id", "as ID= says"
    return id_, [name for name in dict.fromkeys(ignored) if name not in (id_, label)], why


def _submission(
    files: Files, columns: ColumnRoles, classes: infer_classes.Classes, id_: str | None
) -> Submission:
    names = files.train.table.names
    label = names[columns.label] if names and columns.label is not None else "Label"
    usual = (id_, label) if id_ else ("ImageId", "Label")
    test_ids: list[str] | int = 0
    if files.test is not None and files.samples:
        table, at = files.test.table, files.test.columns.id
        if id_ and table.names and id_ in table.names:  # as ID= says, perhaps
            at = table.names.index(id_)
        test_ids = infer_classes.column(table, at) if at is not None else table.row_count
    return infer_submission.find(files.samples, test_ids, usual, classes)


def _files(files: Files, choice: dict[str, str], submission: Submission) -> list[Value]:
    why = files.why
    found = [Value("files", "train", files.train.name, why["train"])]
    if files.test is not None:
        found.append(Value("files", "test", files.test.name, why["test"]))
    elif "TEST" in choice:
        found.append(
            Value(
                "files",
                "test",
                float(choice["TEST"]),
                "as TEST= says: this share is held out; prepare hides its labels",
            )
        )
    elif not _divides(files):
        held = "no test file: this share is held out, whatever SEED is; prepare hides its labels"
        found.append(Value("files", "test", HELD_OUT, held))
    for key, table in (("train_labels", files.train_labels), ("test_labels", files.test_labels)):
        if table is not None:
            found.append(Value("files", key, table.name, why[key]))
    if submission.sample:
        order = "its ids are those of the test; the submission has its order"
        found.append(Value("files", "sample", files.samples[0].name, order))
    return found


def _divides(files: Files) -> bool:
    """Whether the usage column of the one file says which rows are the test."""
    return files.test is None and files.train.has_test_rows


def _columns(files: Files, columns: ColumnRoles) -> list[Value]:
    table, pixels = files.train.table, columns.pixels
    found = []
    names = None if columns.by_place else table.names
    if names is None:
        found.append(
            Value("columns", "header", False, "the columns are found by position: id, label, pixels")
        )
        skip = table.skip_rows + (table.names is not None)
        if skip:
            found.append(Value("columns", "skip_rows", skip, "the names in the first row have no meaning"))
    if columns.label is not None:
        where = "last" if columns.label == table.width - 1 else "first"
        found.append(
            Value(
                "columns", "label", names[columns.label] if names else where, columns.why or "as LABEL= says"
            )
        )
    if names and columns.usage is not None and _divides(files):
        tests = "rows marked PublicTest, PrivateTest or test are the test; prepare hides their labels"
        found.append(Value("columns", "usage", names[columns.usage], tests))
    if pixels.is_one_cell:
        found.append(
            Value("columns", "pixels", pixels.pattern or "pixels", "one cell holds all pixels of a picture")
        )
    elif names and pixels.pattern is not None:
        shown = f"{table.names[pixels.at[0]]} to {table.names[pixels.at[-1]]}" if table.names else ""
        found.append(Value("columns", "pixels", pixels.pattern, shown))
        found.append(Value("columns", "first_pixel", pixels.first, "the first number"))
    return found


def _of_submission(submission: Submission, files: Files, id_: str | None) -> list[Value]:
    found = [Value("submission", "header", list(submission.header), submission.why)]
    if id_ is None:
        rows = (
            "rows are numbered as in the file" if files.test is None else "the test rows are numbered from it"
        )
        found.append(Value("submission", "first_id", submission.first_id, rows))
    if submission.writes_names:
        found.append(Value("submission", "labels", "names", "the submission contains class names"))
    return found
