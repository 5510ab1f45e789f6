"""The paths of a competition's data, study and submissions; notebooks and exercises name their own files."""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from catwalk.core.team import Team

SYSTEM_CLUSTERS = Path("/var/lib/postgresql")  # of Debian's user postgres
OOF, TEST = "oof.npz", "test.npz"  # a submission's probabilities, in its folder


@dataclass(frozen=True)
class Paths:
    """The paths of one competition's files.

    Attributes:
        root: the folder that holds ``competitions/``.
        competition: its name.
        team: the team that shares the study; None: the study is local.
    """

    root: Path
    competition: str
    team: Team | None = None

    @property
    def toml(self) -> Path:
        return competitions_folder(self.root) / f"{self.competition}.toml"

    @property
    def raw(self) -> Path:
        return self.root / "data" / self.competition / "raw"

    @property
    def manifest(self) -> Path:
        return self.raw / "manifest.json"

    @property
    def download(self) -> Path:
        """Where a download goes on after it was interrupted, and where it waits until its CSVs are read."""
        return self.root / "data" / self.competition / ".download"

    @property
    def samples(self) -> Path:
        """A picture of ten training pictures."""
        return self.root / "data" / self.competition / "samples.png"

    @property
    def prepared(self) -> Path:
        return self.root / "data" / self.competition / "prepared"

    @property
    def prepared_summary(self) -> Path:
        return self.prepared / "prepared.json"

    @property
    def pixels(self) -> Path:
        return self.prepared / "pixels.npy"

    @property
    def labels(self) -> Path:
        return self.prepared / "labels.npy"

    @property
    def raw_rows(self) -> Path:
        """Where each labelled row is in the raw training file."""
        return self.prepared / "raw_rows.npz"

    @property
    def test_pixels(self) -> Path:
        return self.prepared / "test_pixels.npy"

    @property
    def test_ids(self) -> Path:
        return self.prepared / "test_ids.json"

    def split(self, name: str) -> Path:
        return self.prepared / f"split-{name}.npz"

    def folds(self, name: str) -> Path:
        """Each labelled row's fold."""
        return self.prepared / f"folds-{name}.npy"

    def features(self, name: str) -> Path:
        return self.prepared / f"features-{name}.npy"

    @property
    def sealed_labels(self) -> Path:
        return self.prepared / "sealed_test_labels.npy"

    @property
    def looks(self) -> Path:
        return self.prepared / "looks.jsonl"

    @property
    def study(self) -> Path:
        """The folder that this search writes to; each team member has one, because they may share a disk."""
        return self._studies / "team" / self.team.member if self.team else self._studies

    @property
    def _studies(self) -> Path:
        return self.root / "data" / self.competition / "study"

    @property
    def study_db(self) -> Path:
        return self.study / "study.db"

    @property
    def study_lock(self) -> Path:
        return self.study / "search.lock"

    @property
    def progress(self) -> Path:
        return self.study / "progress.json"

    @property
    def trials(self) -> Path:
        return self.study / "trials.csv"

    @property
    def saved_by(self) -> Path:
        """A text that names the project which owns this study, where it is saved in two places."""
        return self.study / ".saved-by"

    @property
    def fold_trials(self) -> Path:
        return self.study / "folds.csv"

    def kept(self, study: str) -> Path:
        """The folder of a study's saved networks, named by the study's key; a team shares the key."""
        return self._studies / "kept" / study

    def model(self, study: str, trial: int) -> Path:
        return self.kept(study) / f"trial-{trial:05d}.keras"

    def probabilities(self, study: str, trial: int) -> Path:
        return self.kept(study) / f"trial-{trial:05d}.npy"

    def test_probabilities(self, study: str, trial: int, test_fingerprint: str) -> Path:
        """What a network predicts for these test rows, if it was asked when it was trained."""
        return self.kept(study) / f"trial-{trial:05d}.test-{test_fingerprint}.npy"

    @property
    def submissions(self) -> Path:
        return self.root / "submissions" / self.competition

    def submission(self, name: str) -> Path:
        return self.submissions / f"{name}.csv"

    def recipe(self, name: str) -> Path:
        return self.submissions / f"{name}.json"

    def submission_folder(self, name: str) -> Path:
        return self.submissions / name

    def oof(self, name: str) -> Path:
        """The probabilities of the rows that validate a submission (out of fold)."""
        return self.submission_folder(name) / OOF

    def test_predictions(self, name: str) -> Path:
        return self.submission_folder(name) / TEST

    def unfinished(self, name: str) -> Path:
        """A mark in the folder of a submission that is being written, or whose writing was interrupted."""
        return self.submission_folder(name) / ".unfinished"

    def doubtful_labels(self, name: str) -> Path:
        return self.submission_folder(name) / "labels.csv"

    def shown_weights(self, name: str) -> Path:
        return self.submission_folder(name) / "weights.npz"

    def snapshot(self, name: str) -> Path:
        return self.submission_folder(name) / "trials.json"

    def score(self, name: str) -> Path:
        return self.submission_folder(name) / "score.json"

    def talk(self, name: str) -> Path:
        return self.submission_folder(name) / "talk.html"

    def talk_pdf(self, name: str) -> Path:
        return self.submission_folder(name) / "talk.pdf"

    def talk_notes(self, name: str) -> Path:
        return self.submission_folder(name) / "talk-notes.pdf"

    def notebook(self, name: str) -> Path:
        return self.submission_folder(name) / "talk.ipynb"

    @property
    def notebooks(self) -> Path:
        return self.root / "notebooks"

    @property
    def notebook_source(self) -> Path:
        return self.notebooks / "talk.ipynb"

    def course(self, exercise: str) -> Path:
        return self.root / "data" / self.competition / "course" / exercise

    def course_notebook(self, exercise: str) -> Path:
        return self.notebooks / f"course-{exercise}.ipynb"

    def reproduced(self, name: str) -> Path:
        return self.root / "data" / self.competition / "reproduced" / f"{name}.csv"

    @property
    def grade(self) -> Path:
        return self.root / "data" / self.competition / "grade"

    @property
    def grade_secret(self) -> Path:
        return self.grade / "secret"

    @property
    def grades(self) -> Path:
        return self.grade / "grades.csv"

    @property
    def class_page(self) -> Path:
        return self.grade / "leaderboard.html"

    @property
    def kernel(self) -> Path:
        return self.root / "data" / self.competition / "kernel"

    @property
    def dist(self) -> Path:
        """The folder of files that others install or upload: the wheel, and the notebook that contains it."""
        return self.root / "dist"

    @property
    def server(self) -> Path:
        return self.root / "data" / self.competition / "server"

    def server_cluster(self, as_root: bool) -> Path:
        """The folder of PostgreSQL's files; the server's own user can't read root's folders."""
        link = self.server_link  # it leads to them also after the project, whose path names them, has moved
        if not as_root or (link.is_symlink() and (link / "PG_VERSION").is_file()):
            return link.resolve() if as_root else link
        digest = hashlib.blake2b(str(self.server.resolve()).encode(), digest_size=6).hexdigest()
        return SYSTEM_CLUSTERS / f"catwalk-{digest}"

    @property
    def server_link(self) -> Path:
        """Where the files are or, if they are elsewhere, a link to them."""
        return self.server / "postgresql"

    @property
    def server_password(self) -> Path:
        return self.server / "pgpass"

    @property
    def server_log(self) -> Path:
        return self.server / "log.txt"

    def shown(self, path: Path) -> str:
        """``path`` as shown in messages: relative to the root if it is inside."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


def competitions_folder(root: Path) -> Path:
    """The folder of the competitions' TOML files in ``root``."""
    return root / "competitions"


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; it replaces ``path`` if the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: some writers (Keras, NumPy) depend on it.
    aside = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


@contextlib.contextmanager
def folder_aside(parent: Path) -> Iterator[Path]:
    """Yield an empty temporary folder in ``parent``; it is removed at the end with all its content."""
    parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".part-", dir=parent))
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)
