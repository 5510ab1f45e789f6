"""Hostile input: the readers of CSV, IDX, TOML, zip and submissions under made-up and damaged files.

    .venv/bin/python -m verification.hostile --inputs 200000 --seed 1       (part of make trust)

Each input is either made up of the format's own pieces or a good file that was cut, changed or repeated in
places. What must hold: an error is a ``CatwalkError`` of one line; no input takes more than 2 seconds, or
more than 1 GB of memory; and what is read without an error agrees with an oracle: Python's own
csv, tomllib and gzip, written down again in a few lines here. Hypothesis chooses the inputs and makes what
fails small; every such input is kept in ``verification/found/``, and tests read those again.
"""

import argparse
import contextlib
import csv
import gzip
import hashlib
import io
import math
import random
import re
import shutil
import struct
import tempfile
import time
import tomllib
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catwalk.core.errors import CatwalkError
from catwalk.core.paths import Paths
from catwalk.data import competition as competitions
from catwalk.data import csv_rows, idx, kaggle_download
from catwalk.data.competition import Competition
from catwalk.grading import team_csv, team_submissions
from catwalk.grading.expected_csv import Expected
from catwalk.submission import submission_csv

ROOT = Path(__file__).resolve().parents[1]
FOUND = Path(__file__).resolve().parent / "found"
SECONDS, MEGABYTES = 2.0, 1000
BUSY = 10  # times as long as the processor works on it, something may take by the clock
FINE = ("read", "refused")


class BrokenPromiseError(Exception):
    """An input for which one of the promises does not hold."""


PIECES = [
    b"", b" ", b"0", b"1", b"3", b"7", b"12", b"255", b"256", b"-1", b"+5", b"1.0", b"2.5", b"1e2", b"0x1F",
    b"nan", b"inf", b"\xff", b"\x00", b'"', b'"3"', b'"1', b"'", b";", b"\t", b"\r", b"\r\n", b"\n", b"\n\n",
    b",", b",,", b"\xef\xbb\xbf", b"label", b"pixel1", b"pixel2", b"pixel3", b"Unnamed: 0", b"ImageId,Label",
    b"=1+1", b"9" * 400, "١٢".encode(), "é".encode("latin-1"), b"<html>", b"# comment", b"1_000", b"1,000",
    b"99999999999999999999", b"{}", b"[", b"]", b"{0.x}", b"[[1]]", b"100000000", b"true", b"1e400",
]  # fmt: skip


def small() -> Competition:
    """Three pixels, three labels with a gap."""
    return replace(
        competitions.load(Paths(ROOT, "digits")),
        shape=(1, 3), labels=(0, 1, 3), classes=("a", "b", "d"), train_file="train.csv", test_file="test.csv",
        pixel_columns=("pixel1", "pixel2", "pixel3"), rows=None,
    )  # fmt: skip


SMALL = small()
IDS = [str(number) for number in range(1, 5)]


def damaged(good: bytes, dice: random.Random) -> bytes:
    """A good file with one to five places cut, changed, repeated, swapped or filled with a piece."""
    made = bytearray(good)
    for _ in range(dice.randint(1, 5)):
        if not made:
            break
        here, there = sorted((dice.randrange(len(made)), dice.randrange(len(made) + 1)))
        kind = dice.randrange(6)
        if kind == 0:
            del made[here:there]
        elif kind == 1:
            made[here:here] = dice.choice(PIECES)
        elif kind == 2:
            made[here] = dice.randrange(256)
        elif kind == 3:
            made[here:here] = made[here:there] * dice.randint(1, 3)
        elif kind == 4:
            del made[dice.randrange(len(made)) :]
        else:
            made[here:there] = dice.choice(PIECES)
    return bytes(made)


def made_up(dice: random.Random) -> bytes:
    """Pieces in a row."""
    return b"".join(dice.choice(PIECES) for _ in range(dice.randint(0, 60)))


def mixture(good: Callable[[random.Random], bytes]) -> Callable[[random.Random], bytes]:
    def one(dice: random.Random) -> bytes:
        kind = dice.random()
        if kind < 0.1:
            return good(dice)
        return damaged(good(dice), dice) if kind < 0.8 else made_up(dice)

    return one


# Good files.


def good_csv(dice: random.Random) -> bytes:
    columns = ["label", "pixel1", "pixel2", "pixel3"]
    dice.shuffle(columns)
    quote = dice.choice(["", "", '"'])
    end = dice.choice(["\n", "\n", "\r\n"])
    number = dice.choice(["{}", "{}", "{}.0", " {}"])
    lines = [",".join(columns)]
    for _ in range(dice.randint(1, 6)):
        cells = [dice.choice((0, 1, 3)) if name == "label" else dice.randrange(256) for name in columns]
        lines.append(",".join(f"{quote}{number.format(cell)}{quote}" for cell in cells))
    text = end.join(lines) + dice.choice(["", end])
    return dice.choice([b"", b"", b"\xef\xbb\xbf"]) + text.encode()


def good_idx(dice: random.Random) -> bytes:
    shape = [dice.randint(1, 4) for _ in range(dice.randint(1, 3))]
    content = bytes(dice.randrange(256) for _ in range(math.prod(shape)))
    whole = b"\0\0\x08" + bytes([len(shape)]) + b"".join(struct.pack(">I", side) for side in shape) + content
    return gzip.compress(whole, 1) if dice.random() < 0.5 else whole


def good_toml(dice: random.Random) -> bytes:
    names = ("digits", "fashion-mnist", "cifar10", "digit-recognizer", "mnist")
    return (ROOT / "competitions" / f"{dice.choice(names)}.toml").read_bytes()


def good_submission(dice: random.Random) -> bytes:
    lines = [",".join(SMALL.submission_header)] + [f"{one},{dice.choice((0, 1, 3))}" for one in IDS]
    return "\n".join([*lines, ""]).encode()


def good_zip(dice: random.Random) -> bytes:
    made = io.BytesIO()
    warnings.filterwarnings("ignore", message="Duplicate name")  # that is wanted
    with zipfile.ZipFile(made, "w", dice.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as opened:
        for _ in range(dice.randint(1, 3)):
            names = ("a.csv", "team/b.csv", "../b.csv", "/etc/a.csv", "e\x1b[31m.csv", "x/y/f.csv", "g.txt")
            name = dice.choice(names)
            opened.writestr(zipfile.ZipInfo(name), dice.choice([good_submission(dice), b"0" * 100_000, b""]))
    return made.getvalue()


# What reads them, and the oracle.


def read_csv(content: bytes, folder: Path) -> None:
    path = folder / "train.csv"
    path.write_bytes(content)
    got = csv_rows.read_rows(path, SMALL)
    pixels, labels = csv_oracle(content)
    assert got.pixels.tolist() == pixels, "other pixels"
    assert (got.labels is None) == (labels is None)
    if got.labels is not None:
        assert [SMALL.labels[place] for place in got.labels] == labels, "other labels"


def csv_oracle(content: bytes) -> tuple[list[list[int]], list[int] | None]:
    """The same by Python's csv, which the promise is about: names, numbers, classes, nothing else."""
    text = content.decode("utf-8-sig", errors="replace")
    for separator in ",;\t| ":
        table = [
            [cell.strip() for cell in cells]
            for cells in csv.reader(io.StringIO(text, newline=""), delimiter=separator)
            if len(cells) > 1 or "".join(cells).strip()
        ]
        header = [cell.lower() for cell in table[0]]
        pixels = [name for name in header if re.fullmatch(r"pixel0*\d", name)]
        if len(pixels) == 3:
            break
    # Beside the names, also those that count up from another number; and R's rows have one cell more.
    pixels.sort(key=lambda name: int(name[5:]))
    shift = int(len(table[1]) == len(header) + 1 and table[1][-1] != "")
    body = [[int(float(cells[header.index(name) + shift])) for name in pixels] for cells in table[1:]]
    if "label" not in header:
        return body, None
    said = [cells[header.index("label") + shift] for cells in table[1:]]
    named = dict(zip(SMALL.classes, SMALL.labels, strict=True))
    return body, [named[one.lower()] if one.lower() in named else int(float(one)) for one in said]


def read_idx(content: bytes, folder: Path) -> None:
    packed = content[:2] == b"\x1f\x8b"
    path = folder / ("x.gz" if packed else "x")
    path.write_bytes(content)
    got = idx.read(path)
    plain = gzip.decompress(content) if packed else content
    assert plain[:3] == b"\0\0\x08"
    assert plain.endswith(got.tobytes())
    assert len(plain) == 4 + 4 * got.ndim + got.size


def read_toml(content: bytes, folder: Path) -> None:
    path = folder / "competitions" / "x.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    got = competitions.load(Paths(folder, "x"))
    table = tomllib.loads(content.decode("utf-8-sig"))
    assert got.shape == tuple(table["shape"])
    assert list(got.classes) == [str(one) for one in table["classes"]]
    pattern = table.get("columns", {}).get("pixels", "pixel{}")
    has_number = re.search(r"\{(:0\dd)?\}", pattern)  # else it is the one column of all pixels
    assert len(got.pixel_columns) == (math.prod(got.shape) if has_number else 1)


def read_submission(content: bytes, folder: Path) -> None:
    got = submission_csv.parse(content, "x.csv", IDS, SMALL)
    text = content.decode("utf-8-sig")
    table = list(csv.reader(io.StringIO(text, newline="")))
    assert [cells[0] for cells in table[1:]] == IDS
    assert [str(SMALL.labels[place]) for place in got] == [cells[1] for cells in table[1:]]


def read_handed_in(content: bytes, folder: Path) -> None:
    path = folder / "all.zip"
    path.write_bytes(content)
    expected = Expected.of(IDS, SMALL)
    with team_submissions.opened(path) as teams:
        for team in teams:
            chosen = team_submissions.choose(team, expected)
            assert all(text.isprintable() for text in (team.name, chosen.file, chosen.problem, chosen.remark))
            assert (chosen.answers is None) == bool(chosen.problem)


def read_team_csv(content: bytes, folder: Path) -> None:
    """What is scored agrees with Python's csv: each id once, its label as a whole number."""
    got = team_csv.read(content, "x.csv", Expected.of(IDS, SMALL))
    table = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), skipinitialspace=True)
    header, *body = [[cell.strip() for cell in cells] for cells in table if any(map(str.strip, cells))]
    names = [name.casefold().lstrip("# ") for name in header]
    places = names.index("imageid"), names.index("label")
    said = {int(float(cells[places[0]])): int(float(cells[places[1]])) for cells in body}
    assert len(body) == len(said) == len(IDS)
    assert [said[int(one)] for one in IDS] == [SMALL.labels[place] for place in got.predicted]


def read_download(content: bytes, folder: Path) -> None:
    """A zip as Kaggle sends it: its CSVs come to one folder, whatever their paths say."""
    archive, target = folder / "download.zip", folder / "inner" / "target"
    archive.write_bytes(content)
    target.mkdir(parents=True, exist_ok=True)
    outside = sorted(folder.rglob("*"))
    try:
        files = replace(SMALL, train_file="a.csv", test_file="b.csv", sample_file=None)
        kaggle_download._unzip(archive, files, target)
    finally:
        new = set(folder.rglob("*")) - set(outside)
        assert all(path.parent == target for path in new), "written elsewhere"


# What makes a good file, and what reads it.
READERS: dict[str, tuple[Callable[[random.Random], bytes], Callable[[bytes, Path], None]]] = {
    "csv": (good_csv, read_csv),
    "idx": (good_idx, read_idx),
    "toml": (good_toml, read_toml),
    "submission": (good_submission, read_submission),
    "team_csv": (good_submission, read_team_csv),
    "handed_in": (good_zip, read_handed_in),
    "download": (good_zip, read_download),
}


def judge(reader: str, content: bytes, folder: Path) -> str:
    """What came of it: "read", "refused", or the promise that was broken."""
    for old in folder.iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    before = memory("VmRSS")
    with contextlib.suppress(OSError):  # from now on the highest is counted
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    started, worked = time.perf_counter(), time.process_time()
    try:
        READERS[reader][1](content, folder)
        said = "read"
    except CatwalkError:
        said = "refused"
    except AssertionError as error:
        said = f"a wrong answer: {error}"
    except Exception as error:
        said = f"{type(error).__name__}: {error}"[:200]
    # Of the processor, for a busy machine makes others wait; and of the clock, for it may wait for nothing.
    seconds = max(time.process_time() - worked, (time.perf_counter() - started) / BUSY)
    megabytes = memory("VmHWM") - before
    if seconds > SECONDS:
        said = f"took {seconds:.1f} s"
    return f"held {megabytes:.0f} MB" if megabytes > MEGABYTES else said


def memory(what: str) -> float:
    """Megabytes that the process holds ("VmRSS"), or held at most ("VmHWM"); Linux tells, others 0."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return int(next(line for line in lines if line.startswith(what)).split()[1]) / 1000
    return 0.0


def fuzz(reader: str, inputs: int, seed: int, keep: Path | None = None) -> Counter[str]:
    """So many inputs to one reader; how often it said what.

    Ends at the first broken promise, made small; it is counted as what it said, and kept.
    """
    counts: Counter[str] = Counter()
    last: dict[str, Any] = {"content": b"", "said": ""}
    made = mixture(READERS[reader][0])

    @hypothesis.seed(seed)
    @settings(max_examples=inputs, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.randoms(use_true_random=False))
    def one(dice: random.Random) -> None:
        content = made(dice)
        said = judge(reader, content, Path(folder))
        if said not in FINE:
            last.update(content=content, said=said)
            raise BrokenPromiseError(said)
        counts[said] += 1

    with tempfile.TemporaryDirectory() as folder:
        try:
            one()
        except BrokenPromiseError:
            counts[str(last["said"])] += 1
            if keep is not None:
                keep_found(keep, reader, bytes(last["content"]))
    return counts


def keep_found(folder: Path, reader: str, content: bytes) -> None:
    """Keep an input that broke a promise, where the tests read it again."""
    folder.mkdir(exist_ok=True)
    (folder / f"{reader}-{hashlib.sha256(content).hexdigest()[:12]}.bin").write_bytes(content)


def measure(inputs: int, seed: int) -> dict[str, Any]:
    counts = {name: dict(fuzz(name, inputs // len(READERS), seed, FOUND)) for name in READERS}
    tried = sum(sum(said.values()) for said in counts.values())
    broken = sum(n for said in counts.values() for what, n in said.items() if what not in FINE)
    return {"inputs": tried, "broken": broken, "readers": counts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--inputs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(measure(options.inputs, options.seed))


if __name__ == "__main__":
    main()
