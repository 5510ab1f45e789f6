"""Submission: ids, header and labels as in the sample submission, or else the usual ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from catwalk.core.errors import UserError, shown
from catwalk.data import column_names
from catwalk.data.csv_cells import whole_number
from catwalk.data.infer_classes import Classes, column
from catwalk.data.infer_doubt import listed
from catwalk.data.infer_table import Table


@dataclass(frozen=True)
class Submission:
    """What a submission looks like.

    Attributes:
        header: names of its two columns.
        first_id: the first id where the test has no id column.
        writes_names: whether it holds the classes' names.
        sample: whether the sample's ids are the test's.
        why: where header and ids come from.
        note: what is wrong or unclear with the sample; empty: nothing.
    """

    header: tuple[str, str]
    first_id: int
    writes_names: bool
    sample: bool
    why: str
    note: str = ""


def find(
    samples: Sequence[Table], test_ids: list[str] | int, usual: tuple[str, str], classes: Classes
) -> Submission:
    """The submission's form, from the sample if there is one.

    Args:
        samples: the sample submission; more than one if nothing says which it is, and none is used then.
        test_ids: the cells of the test's id column; without one, the number of its rows.
        usual: the header without a sample.
        classes: of the training rows.

    Raises:
        UserError: the sample's label comes before its id, which a submission never has.
    """
    default = Submission(usual, 1, classes.is_text, False, "there is no sample submission: the usual names")
    if len(samples) > 1:
        what = f"{listed([one.name for one in samples], 130)} may each be the sample submission: none is used"
        return replace(default, why="the usual names", note=f"{what}; name one as sample under [files]")
    if not samples:
        return default
    (sample,) = samples
    names = list(sample.names or [])  # the label cells may be empty, and ``width`` leaves them out then
    while names and not names[-1]:
        names.pop()
    if len(names) != 2:
        what = f"{sample.name} has {len(names) or sample.width} columns, not id and label: it is not used"
        return Submission(usual, 1, classes.is_text, False, "the usual names", what)
    header = (names[0], names[1])
    ids = column(sample, 0)
    labels = column(sample, 1) if len(sample.rows[0]) > 1 else []
    are_numbers = all(whole_number(label) is not None for label in set(labels))
    writes_names = classes.is_text and not (are_numbers and labels and set(labels) - set(classes.names))
    first = _first(ids, test_ids)
    named_first = column_names.is_label(header[0]) and column_names.is_id(header[1])
    if first is None and (named_first or _first(labels, test_ids) is not None):
        fix = "write the id column before the label column in a copy of the file"
        raise UserError("the first column is the label, not the id", where=sample.name, fix=fix)
    if first is None:
        what = f"the ids of {sample.name} are not those of the test: they are not used"
        return Submission(header, 1, writes_names, False, f"the header of {sample.name}", what)
    note = _of_numbers(sample, classes) if classes.is_text and not writes_names else ""
    return Submission(header, first, writes_names, True, f"as in {sample.name}", note)


def _of_numbers(sample: Table, classes: Classes) -> str:
    """What to check where the sample holds numbers but the training rows hold names."""
    first, second = (shown(name, 30) for name in classes.names[:2])
    return (
        f"{sample.name} holds numbers, the training rows names: a submission writes 0 for {first}, "
        f"1 for {second}, and so on; put classes in the right order, or write "
        'labels = "names" under [submission]'
    )


def _first(ids: list[str], test_ids: list[str] | int) -> int | None:
    """The first id, if the sample's ids are the test's; None if they are not."""
    if isinstance(test_ids, list):
        return 1 if sorted(ids) == sorted(test_ids) else None
    numbers = sorted(number for id_ in ids if (number := whole_number(id_)) is not None)
    if (
        len(numbers) != test_ids
        or len(ids) != test_ids
        or numbers != list(range(numbers[0], numbers[0] + test_ids))
    ):
        return None
    return numbers[0] if all(id_ == str(whole_number(id_)) for id_ in ids) else None
