"""shared_table.py: made by several processes together, whoever of them dies."""

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catwalk.core import shared_table

BLOCKS, ROWS = 40, 5


def ends(_block: int) -> list[shared_table.Rows]:
    raise MemoryError


def _make(path: Path, barrier: Any, dies: bool) -> None:
    barrier.wait(60)

    def compute(block: int) -> list[shared_table.Rows]:
        with (path.parent / f"by-{os.getpid()}").open("a") as said:
            said.write("" if dies else f"{block}\n")
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)
        _wait_for_others(path.parent)
        return [(ROWS * block, np.full((ROWS - 2, 3), block)), (ROWS * block + 3, np.full((2, 3), block))]

    shared_table.build(path, (BLOCKS * ROWS, 3), np.float32, BLOCKS, compute)


def _wait_for_others(folder: Path) -> None:
    """Go on with a block once each of the three processes has begun one, none waiting for another."""
    ends = time.monotonic() + 60
    while len(list(folder.glob("by-*"))) < 3:
        if time.monotonic() > ends:
            raise TimeoutError
        time.sleep(0.01)


def test_all_make_it_together_and_a_dead_one_s_block_is_made_by_another(tmp_path: Path) -> None:
    context, path = multiprocessing.get_context("spawn"), tmp_path / "table.npy"
    barrier = context.Barrier(3)
    started = [context.Process(target=_make, args=(path, barrier, k == 0)) for k in range(3)]
    for process in started:
        process.start()
    for process in started:
        process.join(120)
    assert [process.exitcode for process in started] == [-signal.SIGKILL, 0, 0]
    np.testing.assert_array_equal(np.load(path), np.repeat(np.arange(BLOCKS), ROWS)[:, None] * np.ones(3))
    made = [file.read_text().split() for file in tmp_path.glob("by-*")]
    assert sorted(int(block) for blocks in made for block in blocks) == list(range(BLOCKS)), "each once"
    assert sorted(map(bool, made)) == [False, True, True], "the dead one made none"
    assert {file.name for file in tmp_path.iterdir() if not file.name.startswith("by-")} == {"table.npy"}


def test_what_is_abandoned_is_removed_and_what_is_being_made_is_not(tmp_path: Path) -> None:
    path = tmp_path / "table.npy"
    with pytest.raises(MemoryError):
        shared_table.build(path, (4, 1), np.float32, 4, ends)
    assert shared_table.is_begun(path)
    assert shared_table.share_done(tmp_path) == 0
    shared_table._note(path, 1, shared_table.DONE)
    assert shared_table.share_done(tmp_path) == 0.25
    shared_table.drop_abandoned(tmp_path)
    assert shared_table.is_begun(path), "its maker, this process, lives"
    shared_table._note(path, 0, shared_table._owner(2**22 + 1))  # a number that no process has
    shared_table.drop_abandoned(tmp_path)
    assert list(tmp_path.iterdir()) == []
    shared_table.drop_abandoned(tmp_path / "nowhere")
    assert shared_table.share_done(tmp_path) is None


def test_another_computer_s_blocks_are_its_own_until_they_are_stale(tmp_path: Path) -> None:
    """Its process ids say nothing here: a dead one here may be at work there."""
    path = tmp_path / "table.npy"
    with pytest.raises(MemoryError):
        shared_table.build(path, (2, 1), np.float32, 2, ends)
    notes = tmp_path / ".table.part.notes"
    np.full(2, shared_table._owner(2**22 + 1) ^ shared_table.HOST).tofile(notes)
    shared_table.drop_abandoned(tmp_path)
    assert shared_table._take(path, (2, 1), np.float32, 2, 0.0) == -1, "it waits"
    os.utime(notes, (0, time.time() - shared_table.STALE - 1))
    assert shared_table._take(path, (2, 1), np.float32, 2, 0.0) == 0
    os.utime(notes, (0, time.time() - shared_table.STALE - 1))
    shared_table.drop_abandoned(tmp_path)
    assert list(tmp_path.iterdir()) == []


def _make_slowly(path: Path, barrier: Any) -> None:
    shared_table.STALE = 0.2
    barrier.wait(60)

    def compute(_block: int) -> list[shared_table.Rows]:
        time.sleep(2 * shared_table.STALE)
        return [(0, np.ones((1, 1)))]

    shared_table.build(path, (1, 1), np.float32, 1, compute)


def test_a_block_that_takes_longer_than_the_others_wait_is_finished(tmp_path: Path) -> None:
    """Else each of two processes would take it from the other, again and again."""
    context, path = multiprocessing.get_context("spawn"), tmp_path / "table.npy"
    barrier = context.Barrier(2)
    started = [context.Process(target=_make_slowly, args=(path, barrier)) for _ in range(2)]
    for process in started:
        process.start()
    for process in started:
        process.join(30)
    codes = [process.exitcode for process in started]
    for process in started:
        process.kill()
    assert codes == [0, 0]
    assert np.load(path).tolist() == [[1.0]]


def test_who_comes_back_too_late_marks_nothing_as_done(tmp_path: Path) -> None:
    """Its table was dropped meanwhile, and another process has begun a new one."""
    path, notes = tmp_path / "table.npy", tmp_path / ".table.part.notes"
    other = shared_table._owner(os.getppid())
    seen = list[int]()

    def late(block: int) -> list[shared_table.Rows]:
        if seen:
            raise MemoryError  # the second block: enough is seen
        seen.append(block)
        np.array([other, shared_table.FREE]).tofile(notes)
        return [(block, np.ones((1, 1)))]

    with pytest.raises(MemoryError):
        shared_table.build(path, (2, 1), np.float32, 2, late)
    assert shared_table._owners(path).tolist() == [other, shared_table._owner(os.getpid())]


def test_a_table_begun_in_other_blocks_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "table.npy"

    with pytest.raises(MemoryError):
        shared_table.build(path, (4, 1), np.float32, 2, ends)
    shared_table.build(path, (4, 1), np.float32, 4, lambda block: [(block, np.full((1, 1), block))])
    assert np.load(path).ravel().tolist() == [0, 1, 2, 3]
