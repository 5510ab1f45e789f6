"""Hand-ins as students really make them, for the tests: each says the same, 20 of 360 rows wrong (94.4%)."""

import gzip
import io
import zipfile
from collections.abc import Iterable

import numpy as np

ROWS, MISTAKES = 360, 20
RIGHT = 1 - MISTAKES / ROWS
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

Cells = tuple[object, ...]


def said(truth: np.ndarray, wrong: int = MISTAKES) -> list[int]:
    """What somebody answers who has so many rows wrong, spread over the file."""
    answers = truth.astype(int)
    places = np.random.default_rng(wrong).permutation(len(answers))[:wrong]
    answers[places] = (answers[places] + 1) % 10
    return [int(label) for label in answers]


def text(rows: Iterable[Cells], header: str = "ImageId,Label", sep: str = ",", end: str = "\n") -> str:
    lines = ([header] if header else []) + [sep.join(map(str, row)) for row in rows]
    return end.join([*lines, ""])


def answers(truth: np.ndarray, wrong: int) -> bytes:
    """A submission as ``make predict`` writes it."""
    return text(list(enumerate(said(truth, wrong), 1))).encode()


def scored(truth: np.ndarray) -> dict[str, bytes]:
    """Files with the right answer in another form, by the file's name."""
    good = list(enumerate(said(truth), 1))
    shuffled = [good[i] for i in np.random.default_rng(0).permutation(len(good))]
    texts = {
        "plain.csv": text(good),
        "bom crlf.csv": "\ufeff" + text(good, end="\r\n"),
        "two byte order marks.csv": "\ufeff\ufeff" + text(good),
        "old mac.csv": text(good, end="\r"),
        "pandas index.csv": text([(i - 1, i, s) for i, s in good], ",ImageId,Label"),
        "float labels.csv": text([(i, float(s)) for i, s in good]),
        "float ids too.csv": text([(float(i), float(s)) for i, s in good]),
        "header in lower case.csv": text(good, "imageid,label"),
        "savetxt.csv": text([(f"{i:.18e}", f"{s:.18e}") for i, s in good], "# ImageId,Label"),
        "savetxt header.csv": text(good, "# ImageId,Label"),
        "trailing commas.csv": text([(*row, "") for row in good], "ImageId,Label,"),
        "trailing commas below the header.csv": text([(*row, "") for row in good]),
        "blank lines.csv": "\n" + text(good).replace("\n7,", "\n\n ,\n7,") + "\n\n",
        "space after comma.csv": text([(i, f" {s}") for i, s in good], "ImageId, Label"),
        "space and quotes.csv": text([(i, f' "{s}"') for i, s in good], '"ImageId", "Label"'),
        "quoted.csv": text([(f'"{i}"', f'"{s}"') for i, s in good], '"ImageId","Label"'),
        "shuffled.csv": text(shuffled),
        "swapped.csv": text([(s, i) for i, s in good], "Label,ImageId"),
        "confidence beside.csv": text([(*row, 0.99) for row in good], "ImageId,Label,confidence"),
        "no newline at the end.csv": text(good).rstrip("\n"),
        'name;with,comma and "quote".csv': text(good),
        "text.txt": text(good),
        "no ending": text(good),
    }
    packed = {
        "packed.csv.gz": gzip.compress(text(good).encode()),
        "packed twice.csv.gz.gz": gzip.compress(gzip.compress(text(good).encode())),
        "gzip without saying so.csv": gzip.compress(text(good).encode()),
        "zip.zip": zipped({"deep/inside/x.csv": text(good).encode()}),
        "zip in zip.zip": zipped({"x.csv.zip": zipped({"x.csv": text(good).encode()})}),
    }
    return {name: content.encode() for name, content in texts.items()} | packed


def not_scored(truth: np.ndarray) -> dict[str, tuple[bytes, str]]:
    """Files that nobody could score: their bytes, and what the student is told."""
    good = list(enumerate(said(truth), 1))
    probabilities = [(i, *[0.91 if k == s else 0.01 for k in range(10)]) for i, s in good]
    one_hot = [(i, "[" + " ".join("1." if k == s else "0." for k in range(10)) + "]") for i, s in good]
    at_77 = [(i, "" if i == 77 else s) for i, s in good]
    header, numbers = "write ImageId,Label with", ",".join(map(str, range(10)))
    texts = {
        "id.csv": (text(good, "Id,Label"), "row 1: the columns are Id,Label: expected ImageId,Label"),
        "no header.csv": (text(good, ""), f"row 1: '1,{good[0][1]}' is not a header: begin with the line Im"),
        "from 0.csv": (text([(i - 1, s) for i, s in good]), "1 id is missing, first 360; 1 id is un"),
        "probabilities.csv": (text(probabilities, f"ImageId,{numbers}"), f"Label: {header}"),
        "table.csv": (text([row[1:] for row in probabilities], numbers), "10 columns (0,1"),
        "one-hot.csv": (text(one_hot), "a list: write one class, 0 to 9"),
        "probability.csv": (text([(i, 0.93) for i, _ in good]), "'0.93', not an integer: write the cl"),
        "semicolons.csv": (text(good, "ImageId;Label", ";"), "row 1: separated by ';': write commas"),
        "tabs.csv": (text(good, "ImageId\tLabel", "\t"), "row 1: separated by tabs: write commas"),
        "one missing.csv": (text(good[:-1]), "1 id is missing, first 360: write each of the 360 ids, 1 to"),
        "one more.csv": (text([*good, (361, 0)]), "1 id is unexpected, first '361' in row 362"),
        "twice.csv": (text([*good, (5, 0)]), "row 362: duplicate id 5: write each id once"),
        "names.csv": (text([(i, NAMES[s]) for i, s in good]), "text: write the class's number, 0 to 9"),
        "no ids.csv": (text([(s,) for _, s in good], "Label"), "one column, 'Label', and no ids"),
        "empty label.csv": (text(at_77), "row 78: Label is empty: expected a number, 0 to 9"),
        "nan.csv": (text(at_77).replace(",\n", ",NaN\n"), "row 78: Label is 'NaN': expected"),
        "label 10.csv": (text(at_77).replace(",\n", ",10\n"), "row 78: Label is '10': expected"),
        "decimal comma.csv": (text([(i, f"{s},0") for i, s in good]), "has 3 cells"),
        "sep.csv": ("sep=,\n" + text(good), "'sep=,' comes before the header, which is in row 2: begin with"),
        "sep semicolon.csv": (
            "sep=;\n" + text(good, "ImageId;Label", ";"),
            "row 2: separated by ';': write commas",
        ),
        "title and tabs.csv": (
            "Table 1\n" + text(good, "ImageId\tLabel", "\t"),
            "row 2: separated by tabs: write commas",
        ),
        "title.csv": ("Table 1\n" + text(good), "'Table 1' comes before the header, which is in row 2"),
        "two labels.csv": (text([(*row, 1) for row in good], "ImageId,Label,label"), "two columns are named"),
        "page.csv": ("<!doctype html><p>Log in", "this is a web page or XML: hand in a CSV with the column"),
        "notebook.csv": ('{"cells": []}', "this is a notebook"),
        "pointer.csv": ("version https://git-lfs.github.com/spec/v1\noid x", "git lfs pull"),
        "quote.csv": ('ImageId,Label\n1,"' + "7\n" * 80_000, "row 2: a quoted cell is not closed: close the"),
        "nothing.csv": ("", "the file is empty: hand in a CSV with the columns ImageId,Label and 360 rows"),
        "blank.csv": ("\n\n , \n", "the file is empty"),
    }  # fmt: skip
    files = {
        "utf-16.csv": (text(good, end="\r\n").encode("utf-16"), "this is UTF-16 text: save it as UTF-8"),
        "two encodings.csv": (text(good).encode() + b"\xff\xfe", "row 362: not UTF-8 text: save it as UTF-8"),
        "binary.csv": (bytes(range(256)) * 8, "no text file"),
        "excel.xlsx": (b"PK\x03\x04 not really", "an Excel workbook or similar: save the table as CSV"),
        "excel by another name.csv": (
            zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b""}),
            "an Excel workbook",
        ),
        "old.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel or Word file: save the table as CSV"),
        "seven.7z": (b"7z\xbc\xaf'\x1c", "a 7-Zip archive: hand in the CSV itself, or a zip of it"),
        "damaged.csv.gz": (gzip.compress(text(good).encode())[:200], "a damaged gzip archive"),
        "notes.pdf": (b"%PDF-1.7", "this is a PDF: hand in a CSV with the columns ImageId,Label"),
        "array.npy": (b"\x93NUMPY\x01\0", "this is a NumPy array"),
        "model.keras": (zipped({"model.weights.h5": b""}), "this is a saved network: hand in a CSV"),
        "saved arrays.npz": (zipped({"arr_0.npy": b""}), "this is a NumPy archive (npz): hand in a CSV"),
        "word text.docx": (
            zipped({"[Content_Types].xml": b""}),
            "a Word document or similar: save the table",
        ),
        "unnamed zip.data": (zipped({"x": b""}), "a zip with a different extension: end its name with .zip"),
        "readme.md": (b"# My model", "readme.md: not a CSV: hand in a CSV with the columns"),
        "huge.csv": (b"ImageId,Label\n" + b"1,3\n" * 500_000, "larger than 0.2 MB"),
        "gzip bomb.csv.gz": (gzip.compress(b"0" * 50_000_000), "larger than 0.2 MB"),
        "no zip.zip": (b"PK\x03\x04 nothing", "not a complete zip"),
        "empty zip.zip": (zipped({}), "an empty zip"),
        "bomb.zip": (zipped({"bomb.csv": b"0" * 50_000_000}, zipfile.ZIP_DEFLATED), "larger than 0.2 MB"),
        "outside.zip": (zipped({"../../evil.csv": b"x"}), "a path that points outside the zip"),
        "packed oddly.zip": (zipped({"x.csv": b"x"}, zipfile.ZIP_BZIP2), "unsupported compression method"),
        "two bad.zip": (zipped({"a.csv": b"", "b.csv": b""}), "the file is empty"),
        "only text.zip": (zipped({"readme.md": b"", "x.ipynb": b""}), "2 files (only text.zip/readme.md"),
    }
    return {name: (content.encode(), told) for name, (content, told) in texts.items()} | files


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return buffer.getvalue()
