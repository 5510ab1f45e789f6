"""Project: a separate project for an exercise, to run the pipeline's stages on the same data."""

import shutil
import subprocess
import sys
from pathlib import Path

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.course import hackathon
from catwalk.course.keeping import Exercise
from catwalk.course.pictures import prepared_paths
from catwalk.report.results import asked_for


class Project:
    """A project below the exercise's folder, with a study and submissions separate from the user's.

    Raw and prepared data are links to this project's: the test labels are sealed once.

    Attributes:
        root: its folder.
        competition: whose pictures it has.
    """

    def __init__(self, exercise: Exercise, competition: str | None = None) -> None:
        self.competition = competition or asked_for()
        here = prepared_paths(self.competition)
        self.root: Path = hackathon.project(exercise.folder / "project")
        there = Paths(self.root, self.competition)
        there.raw.parent.mkdir(parents=True, exist_ok=True)
        for link, folder in ((there.raw, here.raw), (there.prepared, here.prepared)):
            if not link.is_symlink():
                link.symlink_to(folder.resolve(), target_is_directory=True)

    def run(self, stage: str, *given: str) -> None:
        """Run a stage of the pipeline there, as ``make <stage>`` does, and show its output.

        Raises:
            UserError: it failed; with its own last line.
        """
        command = [sys.executable, "-m", "catwalk", stage, "--competition", self.competition, *given]
        with subprocess.Popen(  # noqa: S603
            command, cwd=self.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            last = ""
            for line in process.stdout or ():
                print(line, end="", flush=True)
                last = line.strip()
        if process.returncode:
            raise UserError(last or f"catwalk {stage} failed")

    def predict(self, name: str) -> None:
        """Make the submission ``name`` from all trials so far, in place of the one that an earlier run made.

        The notebook's own submissions are made again when it is executed again: the study then has more
        trials, and ``catwalk predict`` never replaces a submission. Others in the project stay.

        Raises:
            UserError: it failed; with its own last line.
        """
        paths = Paths(self.root, self.competition)
        shutil.rmtree(paths.submission_folder(name), ignore_errors=True)
        for file in (paths.recipe(name), paths.submission(name)):
            file.unlink(missing_ok=True)
        self.run("predict", "--name", name)
