"""locks.py: one holder at a time; a dead one holds nothing."""

import subprocess
import sys
from pathlib import Path

from catwalk.core import locks

HOLD = """
import sys, time
from pathlib import Path
from catwalk.core import locks
with locks.locked(Path(sys.argv[1]), wait=False) as held:
    print(held, flush=True)
    time.sleep(float(sys.argv[2]))
    (Path(sys.argv[1]) / "done").touch()
"""


def holder(path: Path, seconds: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "True\n"
    return process


def test_one_holds_it_and_the_other_is_told(tmp_path: Path) -> None:
    process = holder(tmp_path, 60)
    try:
        with locks.locked(tmp_path, wait=False) as held:
            assert not held
    finally:
        process.kill()
        process.communicate()
    with locks.locked(tmp_path, wait=False) as held:
        assert held, "the system has freed it"


def test_who_waits_gets_it(tmp_path: Path) -> None:
    process = holder(tmp_path, 1)
    with locks.locked(tmp_path, wait=True) as held:
        assert held
        assert (tmp_path / "done").exists(), "what its holder did last"
    process.communicate()
