"""Project: a separate project for an exercise, to run the pipeline's stages on the same data."""

import itertools
import re
import shutil
import subprocess
import sys
from pathlib import Path

from catwalk import command_hints
from catwalk.core.errors import CatwalkError
from catwalk.core.paths import Paths
from catwalk.course import hackathon, run_stage
from catwalk.course.exercise import Exercise
from catwalk.course.pictures import SEED, prepared_paths
from catwalk.data import download, manifest, prepare
from catwalk.report.results import DEFAULT, asked_for
from catwalk.submission import recipe, submission_names

# In what a stage advises; its own errors begin with the same words and a colon.
SEARCH = re.compile(r"catwalk search(?!:)((?: --[a-z]+ [^\s,;()]*[^\s,;:()])*)")


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

        What it advises would not work in the user's folder: a longer search is the exercise's, and what comes
        next is the notebook's next cell.

        Args:
            stage: its name.
            given: its options.
            unless_made: a submission; if an earlier run of the notebook made it, the stage is not repeated.

        Raises:
            CatwalkError: it failed; with its own last line, and the exit code determines the error's class.
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
                if line.startswith("next: "):
                    continue
                last = SEARCH.sub(self._longer, line.strip("\n"))
                print(last, flush=True)
        run_stage.refuse_killed(stage, process.returncode)
        if process.returncode:
            kind = run_stage.KINDS.get(process.returncode, CatwalkError)
            raise kind(last.strip() or f"catwalk {stage} failed")

    def _longer(self, found: "re.Match[str]") -> str:
        """The exercise's command to search longer, in place of the stage's."""
        given = dict(re.findall(r"--([a-z]+) (\S+)", found[1]))
        words = [f"EXERCISE={self.root.parent.name.partition('-')[0]}"]
        words += [f"{name.upper()}={given[name]}" for name in ("budget", "models") if name in given]
        if self.competition != DEFAULT:
            words.append(f"COMPETITION={self.competition}")
        return command_hints.completed(f"make course {' '.join(words)}")

    def predict(self, name: str, keep: bool = False) -> None:
        """Make the submission ``name`` from all trials so far, in place of the one that an earlier run made.

        When the notebook is executed again, the study has more trials, and ``catwalk predict`` never replaces
        a submission. The earlier one is renamed; others in the project stay.

        Args:
            name: of the submission.
            keep: leave an earlier run's as it is. The one before the search would else be made from the
                search's trials, too.

        Raises:
            CatwalkError: it failed; with its own last line.
        """
        if keep and self._has(name):
            print(f"predict: already done, the submission {name} stays as it is")
            return
        self._set_aside(name)
        self.run("predict", "--name", name)

    def _set_aside(self, name: str) -> None:
        """Rename an earlier submission: its talk may have been edited, and its recipe tells of uploads.

        What an interrupted run has left of one stays: predict begins that again.
        """
        paths = Paths(self.root, self.competition)
        files = (paths.submission_folder, paths.recipe, paths.submission)
        there = [file for file in files if file(name).exists()]
        if not there or paths.unfinished(name).is_file():
            return
        names = (f"{name}-{number}" for number in itertools.count(1))
        kept = next(one for one in names if not any(file(one).exists() for file in files))
        for file in there:
            file(name).rename(file(kept))
        print(f"predict: the earlier submission {name}, with its talk, is kept as {kept}", flush=True)

    def _has(self, name: str) -> bool:
        """Whether the submission is there, whole, and of the rows that are prepared now."""
        paths = Paths(self.root, self.competition)
        made = recipe.known(paths, [one for one in submission_names.unordered(paths) if one == name])
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
    manifest.write(there, download.read_manifest(here))
