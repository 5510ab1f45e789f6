"""process_pool.py: every task is done, in whichever process; one that dies takes its own task along only."""

import os
import time

import pytest

from catwalk.core import process_pool


def square(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def dies_at_two(number: int) -> int:
    if number == 2:
        os._exit(1)
    if number == 3:
        raise ValueError("three is none")
    return number


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def test_a_process_does_one_task_after_another() -> None:
    results = process_pool.run_all(square, list(range(6)), "squares", 2, None)
    assert [result[0] for result in results if result] == [0, 1, 4, 9, 16, 25]
    assert len({result[1] for result in results if result}) <= 2


def test_what_fails_has_no_result(capfd: pytest.CaptureFixture[str]) -> None:
    assert process_pool.run_all(dies_at_two, [1, 2, 3, 4], "numbers", 1, None) == [1, None, None, 4]
    assert "  failed: ValueError: three is none\n" in capfd.readouterr().err


def test_what_has_begun_is_finished_and_no_more_is_started() -> None:
    began = time.monotonic()
    assert process_pool.run_all(sleep, [0.0, 3.0, 60.0], "naps", 1, 2.0, began + 1) == [0.0, 3.0, None]
    assert time.monotonic() - began < 30
