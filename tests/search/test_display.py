"""display.py: the live display on terminals of any size, plain lines elsewhere."""

import io
import os
import sys
import time
from typing import Any

import pytest
from rich.console import Console

from catwalk.core.console import plain_console
from catwalk.models.epoch import Epoch
from catwalk.search.display import Display
from catwalk.search.limits import Limits
from tests.support.records import trial_record


def drawn(width: int, limits: Limits, records: int = 40, **more: Any) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, height=20, force_terminal=True, highlight=False, **more)
    display = Display(console)
    display.begin(
        [trial_record(i, "complete" if i % 3 == 0 else "pruned", 0.5 + i / 100) for i in range(records)]
    )
    display.epoch(0, 41, "search", Epoch(3, 20, 0.5, 0.8, 0.4, 0.8765))
    display.begun(1, 42, "yours")
    console.print(display.view(65.0, limits))
    return file.getvalue()


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = drawn(width, Limits(600, None), no_color=True, color_system=None).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) == 7


def test_what_is_shown() -> None:
    text = drawn(100, Limits(600, 100), no_color=True, color_system=None)
    assert "8:55 left, 60 trials left" in text
    assert " 2:58:55 left" in drawn(100, Limits(3 * 3600, None), color_system=None)
    assert "40 trials finished (26 stopped early), 2 running" in text
    assert "best 0.8900 on validation, trial 39" in text
    assert "depth 2, width_1 512, learning_rate 0.0012, activation relu" in text
    assert "worker 0: trial 41  epoch 3/20  0.8765" in text
    assert "worker 1: trial 42 (yours)  building" in text
    spark = next(line for line in text.splitlines() if line.startswith("best so far")).split()[-1]
    assert (spark[0], spark[-1]) == ("▁", "█")


def test_features_that_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A share on a terminal, elsewhere one line, and none where they are there at once."""
    file = io.StringIO()
    seen = Display(Console(file=file, width=80, force_terminal=True, color_system=None))
    seen.preparing(0.43)
    seen._console.print(seen.view(5.0, Limits(10, None)))
    assert "features of all pictures, computed once: 43%" in file.getvalue()
    file = io.StringIO()
    plain = Display(Console(file=file, width=80))

    def seen_at(*moments: tuple[float, float | None]) -> str:
        for now, share in moments:
            monkeypatch.setattr(time, "monotonic", lambda now=now: now)
            plain.preparing(share)
        return file.getvalue()

    assert seen_at((100, 0.1), (101, 0.9), (102, None), (110, 0.1), (111, 0.2)) == ""
    said = seen_at((113, 0.5), (114, 0.6), (119, 0.7), (120, None))
    assert said == "search: computing the features of all pictures, once\n"


def test_colour_only_where_it_is_wanted() -> None:
    assert "\x1b[" in drawn(80, Limits(600, None), color_system="standard")
    assert "\x1b[" not in drawn(80, Limits(600, None), color_system=None)


def test_a_first_moment_without_trials() -> None:
    text = drawn(80, Limits(None, 5), records=0, color_system=None)
    assert "0 trials finished (0 stopped early), 2 running" in text
    assert "5 trials left" in text


def test_one_trial_is_not_trials() -> None:
    text = drawn(80, Limits(None, 2), records=1, color_system=None)
    assert "1 trial left" in text
    assert "1 trial finished (0 stopped early), 2 running" in text


def test_of_equals_the_earlier_trial_is_the_best() -> None:
    """Whichever of two workers ended first."""
    file = io.StringIO()
    with Display(Console(file=file, width=80, highlight=False)) as display:
        for number in (3, 2, 4):
            display.ended(0, trial_record(number, "complete", 0.5))
    best = [line.split("best ")[1] for line in file.getvalue().splitlines()[1:]]
    assert best == ["0.5000 (trial 3)", "0.5000 (trial 2)", "0.5000 (trial 2)"]


def test_plain_lines_where_there_is_no_terminal() -> None:
    file = io.StringIO()
    with Display(Console(file=file, width=80, highlight=False)) as display:
        display.ended(0, trial_record(0, "complete", 0.5))
        display.ended(0, trial_record(1, "pruned", None))
        display.ended(0, None)
        for runs_again in (True, False, None):
            display.died(1, "exit code -9", runs_again)
        display.tick(5, Limits(10, None))
    assert file.getvalue().splitlines() == [
        "search: starting the workers",
        "trial 0 search complete 0.5000 in 1.0 s, best 0.5000 (trial 0)",
        "trial 1 search pruned no epoch in 1.0 s, best 0.5000 (trial 0)",
        "worker 1 died (exit code -9); its trial will run again",
        "worker 1 died (exit code -9); its trial will not run again",
        "worker 1 died (exit code -9)",
    ]


def test_a_closed_pipe_is_left_to_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which then has an exit code of its own, as after ``| head``; rich would end it with 1."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", gone)
        with pytest.raises(BrokenPipeError), Display(plain_console()):
            pass
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, writer)  # takes what is still buffered, when the file is closed
        os.close(nowhere)
