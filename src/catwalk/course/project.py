"""Project: a separate project for an exercise, to run the pipeline's stages on the same data."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.course import hackathon, run_stage
from catwalk.course.exercise import Exercise
from catwalk.course.pictures import SEED, prepared_paths
from catwalk.data import download, manifest, prepare
from catwalk.report.results import asked_for
from catwalk.submission import recipe, submission_names


class Project:
    """A project below the exercise's folder, with a study and submissions separate from the user's.

    Its TOML and notebooks are copies of this project's, as they are now. Raw and prepared data are links to
    this project's: the test labels are sealed once. The raw files' manifest is a copy, which names the links.

    Attributes:
        root: its folder.
        competition: whose pictures it has.
    """

    def __init__(self, exercise: Exercise, competition: str | None = None) -> None:
        self.competition = competition or asked_for()
        here = prepared_paths(self.competition)
        self.root: Path = hackathon.project(exercise.folder / "project")
        there = Paths(self.root, self.competition)
        for file in (there.toml, *there.notebooks.glob("*.ipynb")):
            own = here.root / file.relative_to(self.root)
            if own.is_file():
                shutil.copy2(own, file)
        _link_raw(here, there)
        if not there.prepared.is_symlink():
            there.prepared.symlink_to(here.prepared.resolve(), target_is_directory=True)

    def run(self, stage: str, *given: str, unless_made: str | None = None) -> None:
        """Run a stage of the pipeline there, as ``make <stage>`` does, and show its output.

        Args:
            stage: its name.
            given: its options.
            unless_made: a submission; if an earlier run of the notebook made it, the stage is not repeated.

        Raises:
            UserError: it failed; with its own last line.
        """
        if unless_made is not None and self._has(unless_made):
            print(f"{stage}: already done, before the submission {unless_made}")
            return
        command = [sys.executable, "-m", "catwalk", stage, "--competition", self.competition, *given]
        with subprocess.Popen(  # noqa: S603
            command, cwd=self.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            last = ""
            for line in process.stdout or ():
                print(line, end="", flush=True)
                last = line.strip()
        run_stage.refuse_killed(stage, process.returncode)
        if process.returncode:
            raise UserError(last or f"catwalk {stage} failed")

    def predict(self, name: str, keep: bool = False) -> None:
        """Make the submission ``name`` from all trials so far, in place of the one that an earlier run made.

        When the notebook is executed again, the study has more trials, and ``catwalk predict`` never replaces
        a submission. Others in the project stay.

        Args:
            name: of the submission.
            keep: leave an earlier run's as it is. The one before the search would else be made from the
                search's trials, too.

        Raises:
            UserError: it failed; with its own last line.
        """
        if keep and self._has(name):
            print(f"predict: already done, the submission {name} stays as it is")
            return
        paths = Paths(self.root, self.competition)
        shutil.rmtree(paths.submission_folder(name), ignore_errors=True)
        for file in (paths.recipe(name), paths.submission(name)):
            file.unlink(missing_ok=True)
        self.run("predict", "--name", name)

    def _has(self, name: str) -> bool:
        """Whether the submission is there, whole, and of the rows that are prepared now."""
        paths = Paths(self.root, self.competition)
        made = recipe.known(paths, [one for one in submission_names.names(paths) if one == name])
        now = prepare.load(paths, SEED)
        rows = (now.fingerprint, now.test_fingerprint)
        return any((one.fingerprint, one.test_fingerprint) == rows for one in made.values())


def _link_raw(here: Paths, there: Paths) -> None:
    """Link each raw file, with a manifest of its own: what a stage records there is not the user's."""
    shutil.rmtree(there.raw, ignore_errors=True)
    there.raw.mkdir(parents=True)
    for file in here.raw.iterdir():
        if file.name != there.manifest.name:
            (there.raw / file.name).symlink_to(file.resolve())
    known = download.read_manifest(here)
    moved = {path: path.replace(f"{here.raw}/", f"{there.raw}/", 1) for path in known.origins}
    manifest.write(there, replace(known, origins={moved[path]: one for path, one in known.origins.items()}))
