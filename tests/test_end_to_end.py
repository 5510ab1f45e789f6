"""The real thing: Fashion-MNIST from its source, a search of 40 s, a submission, the notebook."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from catwalk.core.paths import Paths
from catwalk.data import test_labels
from tests.conftest import clean_environment, make_project, run_catwalk
from tests.support import memory_group

pytestmark = [pytest.mark.alone, pytest.mark.slow]


@dataclass(frozen=True)
class Whole:
    """A whole run.

    Attributes:
        paths: of its project.
        code: its exit code.
        said: all that it said.
        seconds: that it took.
        most: megabytes that its processes together held; None: nobody could watch.
        killed: how many of them were ended because the memory was too little.
    """

    paths: Paths
    code: int
    said: str
    seconds: float
    most: int | None
    killed: int


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """``catwalk all`` on what a laptop of 8 GB has left for it, where that can be limited."""
    project = make_project(tmp_path_factory.mktemp("whole") / "project")
    downloaded = run_catwalk(project, "data")  # how long that takes depends on the mirror, so it is not timed
    assert downloaded.returncode == 0, downloaded.stderr
    command = [sys.executable, "-m", "catwalk", "all", "--budget", "40s"]
    log, most, began = project / "all.log", 0, time.monotonic()
    with memory_group.made() as group:
        if group is not None:
            group.limit(6_000)
            command = group.entered(*command)
        with log.open("w") as out:
            process = subprocess.Popen(command, cwd=project, stdout=out, stderr=out, env=clean_environment())
        while process.poll() is None:
            if time.monotonic() - began > 600:
                process.kill()
            most = max(most, group.held() if group is not None else 0)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.2)
        yield Whole(
            paths=Paths(project, "fashion-mnist"),
            code=process.returncode,
            said=log.read_text(),
            seconds=time.monotonic() - began,
            most=None if group is None else most,
            killed=0 if group is None else group.killed(),
        )


def test_fashion_mnist_in_forty_seconds(whole: Whole) -> None:
    assert whole.code == 0, whole.said
    assert whole.seconds < 40 + 90, "make all costs at most 90 s beside its budget and the download"
    paths = whole.paths
    (path,) = paths.submissions.glob("*.json")
    content = json.loads(path.read_text())
    assert content["validation"]["rows"] == 6000
    assert content["validation"]["accuracy"] >= 0.87
    assert len(paths.submission(path.stem).read_text().splitlines()) == 10_001
    assert paths.notebook(path.stem).is_file()
    assert test_labels.looks(paths) == []
    trials = json.loads(paths.snapshot(path.stem).read_text())
    baselines = sum(trial["seconds"] for trial in trials if trial["kind"] in ("softmax", "beginner"))
    assert baselines <= 0.05 * 40 + 2, "5% of the budget, and what building two nets costs on a busy machine"


def test_a_laptop_with_8_gb(whole: Whole) -> None:
    """Of which 6 are left for catwalk: the defaults stay within half of them."""
    if whole.most is None:
        pytest.skip(memory_group.NONE)
    assert whole.code == 0, whole.said
    assert (whole.killed, "died" in whole.said) == (0, False), whole.said
    assert 500 < whole.most < 3_000
