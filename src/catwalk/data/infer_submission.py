"""Submission: ids, header and labels as in the sample submission, or else the usual ones."""

from dataclasses import dataclass

from catwalk.core.errors import shown
from catwalk.data.csv_cells import whole_number
from catwalk.data.infer_labels import Classes, column
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
    sample: Table | None, test_ids: list[str] | int, usual: tuple[str, str], classes: Classes
) -> Submission:
    """The submission's form, from the sample if there is one.

    Args:
        sample: the sample submission, if there is one.
        test_ids: the cells of the test's id column; without one, the number of its rows.
        usual: the header without a sample.
        classes: of the training rows.
    """
    default = Submission(usual, 1, classes.is_text, False, "there is no sample submission: the usual names")
    if sample is None:
        return default
    if sample.names is None or sample.width != 2:
        what = f"{sample.name} has {sample.width} columns, not id and label: it is not used"
        return Submission(usual, 1, classes.is_text, False, "the usual names", what)
    header = (sample.names[0], sample.names[1])
    ids, labels = column(sample, 0), column(sample, 1)
    are_numbers = all(whole_number(label) is not None for label in set(labels))
    writes_names = classes.is_text and not (are_numbers and labels and set(labels) - set(classes.names))
    first = _first(ids, test_ids)
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
    return numbers[0] if all(id_ == str(int(id_)) for id_ in ids) else None
