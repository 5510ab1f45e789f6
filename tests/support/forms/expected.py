"""What is right about a form's files: what a command that looks at them should find out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Column = str | int  # its name; without a header, its place from 0
Label = str | int


@dataclass(frozen=True)
class Expected:
    """The truth about the files of one form.

    Attributes:
        train: name of the file with the training rows.
        test: name of the file with the test rows; ``train`` itself where ``usage`` says which rows
            they are; None if a share of the one file has to be held out.
        label: the label column; None if the labels are in files of their own.
        labels: the labels as the files write them. The pictures of ``labels[k]`` show the digit k % 10,
            see ``pictures.VARIANTS``.
        pixels: the pixel columns in the files' order, or the one column whose cells hold all pixels.
        shape: (height, width, channels).
        rows: how many are to train and to test; to test, 0 if they have to be held out.
        layout: "grey", "interleaved" (RGBRGB...) or "planes" (all of R, then G, then B).
        transposed: whether the pixels go down the columns of the upright picture.
        most: the largest value of the pixels' range, which begins with 0.
        has_header: whether the files begin with a line of column names.
        separator: between cells.
        one_cell: whether the pixels are one cell of numbers separated by spaces.
        id_column: the test file's ids.
        index: a column that pandas wrote and that means nothing.
        usage: the column that says which rows are to train and to test.
        train_labels, test_labels: the files of labels alone.
        labels_by_id: whether these have ids and another order; else the rows correspond by place.
        test_has_labels: whether the test's labels are there.
        sample: the sample submission's file.
        submission_header: its header.
        beside: other files in the folder, which are neither train nor test.
    """

    train: str
    test: str | None
    label: Column | None
    labels: tuple[Label, ...]
    pixels: tuple[Column, ...]
    shape: tuple[int, int, int]
    rows: tuple[int, int]
    layout: str = "grey"
    transposed: bool = False
    most: float = 255
    has_header: bool = True
    separator: str = ","
    one_cell: bool = False
    id_column: str | None = None
    index: str | None = None
    usage: str | None = None
    train_labels: str | None = None
    test_labels: str | None = None
    labels_by_id: bool = False
    test_has_labels: bool = True
    sample: str | None = None
    submission_header: tuple[str, str] | None = None
    beside: tuple[str, ...] = ()

    @property
    def files(self) -> set[str]:
        """The names of all files in the folder."""
        named = (self.train, self.test, self.train_labels, self.test_labels, self.sample, *self.beside)
        return {name for name in named if name}


Form = Callable[[Path], Expected]
