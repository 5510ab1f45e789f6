"""Long commands that run beside the tests, one after another; tests that read what they made come last."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

Run = subprocess.CompletedProcess[str]
Job = Callable[["Background"], Any]


class Background:
    """Jobs in a thread of their own, one after another.

    Args:
        jobs: what to do, by name.
        environment: of all that they start; the tests meanwhile change that of this process.
        beside: whether they begin with the session, in their order, and leave the processor to the tests;
            else a job begins when a test asks for it.
    """

    def __init__(self, jobs: dict[str, Job], environment: dict[str, str], beside: bool = True) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="catwalk-tests-")
        self.folder = Path(self._temporary.name)
        self.environment = environment
        self._process: subprocess.Popen[str] | None = None
        self._thread = ThreadPoolExecutor(1)
        self._jobs, self._beside = jobs, beside
        self._results: dict[str, Future[Any]] = {}
        for name in jobs if beside else ():
            self.begin(name)

    def begin(self, name: str) -> None:
        """Begin a job that has not begun yet."""
        if name not in self._results:
            self._results[name] = self._thread.submit(self._jobs[name], self)

    def result(self, name: str) -> Any:
        """What the job returned, as soon as it is done; its error is raised here."""
        return self._results[name].result()

    def run(
        self, command: Iterable[str | Path], cwd: Path, env: dict[str, str] | None = None, niceness: int = 10
    ) -> Run:
        """A command's end. Beside the tests it leaves the processor to them, unless told otherwise."""
        niceness = niceness if self._beside else 0
        self._process = subprocess.Popen(
            ["nice", "-n", str(niceness), *command], cwd=cwd, env=env or self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        out, err = self._process.communicate()
        return Run(self._process.args, self._process.returncode, out, err)

    def catwalk(self, root: Path, *arguments: str, niceness: int = 10) -> Run:
        return self.run([sys.executable, "-m", "catwalk", *arguments], root, niceness=niceness)

    def end(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._process:
            self._process.terminate()
        self._thread.shutdown()
        self._temporary.cleanup()
