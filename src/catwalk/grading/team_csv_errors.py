"""Team CSV errors: tell students whose CSV can't be scored what was found and what was expected."""

from collections.abc import Sized

from catwalk.data.csv_cells import NUMBER, ClassNames
from catwalk.grading.expected_csv import Expected, NotScoredError, column_places, whole_number
from catwalk.grading.submitted_archives import printable

Cells = list[str]
Numbered = tuple[int, Cells]  # row as a spreadsheet counts, its cells

# Other than commas: those of csv_dialect.py, and spaces.
SEPARATORS_IN_WORDS = ((";", "';'"), ("\t", "tabs"), ("|", "'|'"), (" ", "spaces"))


def wrong_header(first: Numbered, following: list[Numbered], name: str, expected: Expected) -> NotScoredError:
    """Explain why the first row is not the header."""
    number, cells = first
    header = ",".join(expected.header)
    where = f"{name}: row {number}"
    shown = printable(",".join(cells), 40)
    fix = f"begin with the line {header}"
    for row, other in (first, *following):  # below a title, or Excel's sep=;
        if called := _separator(other, expected):
            what = f"separated by {called}"
            return _of_submission(
                NotScoredError(what, where=f"{name}: row {row}", fix="write commas between the columns")
            )
    low = next((row for row, other in following if column_places(other, expected.header)), None)
    if low is not None:
        what = f"{shown!r} comes before the header, which is in row {low}"
        return _of_submission(NotScoredError(what, where=where, fix=fix))
    if all(NUMBER.fullmatch(cell.strip()) for cell in cells if cell.strip()) and not _is_table(cells):
        return NotScoredError(f"{shown!r} is not a header", where=where, fix=fix)
    return _wrong_columns(cells, where, expected)


def _of_submission(error: NotScoredError) -> NotScoredError:
    error.has_columns = True
    return error


def _separator(cells: Cells, expected: Expected) -> str:
    """What is between the names of both columns, in words; empty if they are not there."""
    for separator, called in SEPARATORS_IN_WORDS:
        parts = [part.strip(" '\"") for part in ",".join(cells).split(separator)]
        words = [part for part in parts if part not in ("", "#")]
        is_sentence = separator == " " and len(words) > 3
        if len(parts) > 1 and not is_sentence and column_places(parts, expected.header):
            return called
    return ""


def _is_table(cells: Cells) -> bool:
    """Whether these are column numbers as written by pandas: 0,1,2,3,..."""
    numbers = [cell.strip() for cell in cells if cell.strip()]
    return len(numbers) > 2 and numbers == [str(i) for i in range(len(numbers))]


def _wrong_columns(cells: Cells, where: str, expected: Expected) -> NotScoredError:
    header = ",".join(expected.header)
    names = [cell.strip().casefold() for cell in cells]
    id_name, label_name = (name.casefold() for name in expected.header)
    others = len([name for name in names if name and name != id_name])
    if label_name not in names and others >= len(expected.labels) > 2:
        return NotScoredError(
            f"{others} columns ({printable(','.join(cells), 30)}) but no {expected.header[1]}", where=where,
            fix=f"write {header} with one class per row, the most probable one (argmax)",
        )  # fmt: skip
    twice = next((name for name in expected.header if names.count(name.casefold()) > 1), None)
    if twice:
        return NotScoredError(f"two columns are named {twice}", where=where, fix=f"keep {header}")
    if id_name not in names and len(cells) == 1:
        what = f"only one column, {printable(cells[0], 40)!r}, and no ids"
        return NotScoredError(what, where=where, fix=f"write {header} with the id of each picture")
    return NotScoredError(
        f"the columns are {printable(','.join(cells), 60)}", where=where, fix=f"expected {header}"
    )


def wrong_label(cell: str, where: str, expected: Expected) -> NotScoredError:
    """Explain why a cell is not a label."""
    column, numbers = expected.header[1], expected.range_of_labels
    shown = f"{column} is {printable(cell, 30)!r}" if cell else f"{column} is empty"
    if expected.writes_names:
        fix = f"expected the name of a class, such as {printable(expected.classes[0], 30)!r}"
        return NotScoredError(shown, where=where, fix=fix)
    named = ClassNames(expected.classes).position(cell)
    if named is not None and whole_number(cell) is None:
        label = expected.labels[named]
        return NotScoredError(f"{shown}, a class name", where=where, fix=f"write its number, {label}")
    if cell.startswith(("[", "(")):
        return NotScoredError(
            f"{shown}, a list", where=where, fix=f"write one class, {numbers}: the most probable one (argmax)"
        )
    if NUMBER.fullmatch(cell) and whole_number(cell) is None:
        fix = f"write the class, {numbers}: the most probable one (argmax)"
        return NotScoredError(f"{shown}, not an integer", where=where, fix=fix)
    if cell[:1].isalpha() and cell.casefold() not in ("nan", "none", "null"):
        return NotScoredError(
            f"{shown}, which is text", where=where, fix=f"write the class's number, {numbers}"
        )
    return NotScoredError(shown, where=where, fix=f"expected a number, {numbers}")


def wrong_ids(
    wrong: dict[str, Numbered], missing: list[str], name: str, expected: Expected
) -> NotScoredError:
    """Explain which ids are missing, and which are unexpected."""
    parts = []
    if missing:
        parts.append(f"{_count(missing)} missing, first {printable(missing[0], 30)}")
    if wrong:
        cell, (number, _) = next(iter(wrong.items()))
        parts.append(f"{_count(wrong)} unexpected, first {printable(cell, 30)!r} in row {number}")
    first, last = (printable(one, 30) for one in (expected.ids[0], expected.ids[-1]))
    fix = f"write each of the {len(expected.ids):,} ids, {first} to {last}, once"
    return NotScoredError("; ".join(parts), where=name, fix=fix)


def _count(ids: Sized) -> str:
    return "1 id is" if len(ids) == 1 else f"{len(ids):,} ids are"
