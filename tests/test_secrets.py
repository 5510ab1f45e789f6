"""Secrets: with all of them set most stages run, or fail, and nothing that is written or said holds one."""

import re
import shutil
from pathlib import Path

import pytest

from catwalk.arguments import STAGES
from catwalk.core.paths import Paths
from tests.conftest import REPOSITORY, Run, run_catwalk
from tests.data.test_file_forms import zipped
from tests.support.kaggle_server import Fault, Kaggle, serving
from tests.support.public_forms import FORMS

DIGITS, OURS = ("--competition", "digits"), ("--competition", "ours")
SECRETS = {
    "KAGGLE_API_TOKEN": "KGAT_s3cret0of0kaggle",  # which the client prefers to the key
    "KAGGLE_KEY": "s3cret-of-kaggle",
    "OPENHPI_TOKEN": "s3cret-of-openhpi",
    "PGPASSWORD": "s3cret-of-postgres",
}
IN_A_URL = "s3cret-in-the-url"
# They end with Ctrl-C alone, take minutes, or are part of another stage; SECURITY.md names them.
NOT_RUN = {"wheel", "serve", "dashboard", "course"}


@pytest.mark.slow
def test_no_secret_is_written_or_said(digits_done: tuple[Path, Run], tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(digits_done[0], root)
    paths = Paths(root, "digits")
    paths.toml.write_text(
        paths.toml.read_text().replace("first_id = 1", 'first_id = 1\ncompetition = "eight"')
    )
    (root / ".kaggle").mkdir()
    temporary, files = tmp_path / "temporary", tmp_path / "files"
    temporary.mkdir()
    files.mkdir()
    FORMS["optdigits"](files)
    kaggle = Kaggle(
        zipped({path.name: path.read_bytes() for path in files.iterdir()}),
        faults={"CreateSubmission": Fault(500, times=1), "PUT": Fault(403, times=1)},
    )
    said, ran = "", set[str]()

    def run(*arguments: str, code: int, without: str = "") -> None:
        nonlocal said
        ran.add(arguments[0])
        given = {name: secret for name, secret in SECRETS.items() if name != without}
        done = run_catwalk(
            root, *arguments, **kaggle.environment, **given, KAGGLE_USERNAME="me", HOME=str(root),
            TMPDIR=str(temporary), VERBOSE="1",
        )  # fmt: skip
        said += done.stdout + done.stderr
        assert done.returncode == code, (arguments, done.stdout, done.stderr)

    with serving(kaggle):
        run("new", *OURS, "--source", "https://www.kaggle.com/competitions/eight-open", code=0)
        run("data", *OURS, code=0)
        run("prepare", *OURS, code=0)
        run("search", *DIGITS, "--trials", "6", "--workers", "1", code=0)
        run("predict", *DIGITS, "--name", "one", code=0)
        run("report", *DIGITS, "--submission", "one", code=0)
        run("all", *DIGITS, "--trials", "6", "--workers", "1", code=0)
        run("score", *DIGITS, "--submission", "one", code=0)
        run("kaggle", *DIGITS, code=0)
        run("kernel", *DIGITS, code=0)
        for code, without in ((3, "KAGGLE_API_TOKEN"), (3, ""), (0, "")):
            run("submit", *DIGITS, "--submission", "one", "--yes", code=code, without=without)
        run("try", *DIGITS, "--widths", "64", "--view", "pixels", code=0)
        run("blend", *DIGITS, "--parts", ",".join(labels_of_others(paths, "one")), "--name", "both", code=0)
        run("reproduce", *DIGITS, "--submission", "both", code=0)
        run("leaderboard", *DIGITS, code=0)
        run("grade", *DIGITS, "--submissions", "class", code=0)
    assert {login.split()[0] for login in kaggle.logins if login} == {"Basic", "Bearer"}
    nobody = "postgresql://catwalk@127.0.0.1:1/catwalk"
    run("search", *DIGITS, "--study", nobody, "--trials", "1", code=3)
    run("search", *DIGITS, "--study", f"postgresql://catwalk:{IN_A_URL}@127.0.0.1:1/catwalk", code=2)
    run("submit", *DIGITS, "--submission", "one", "--to", "openhpi", "--assignment", "1", "--yes", code=3)
    run("data", *DIGITS, "--source", f"https://me:{IN_A_URL}@host/x.zip", code=2)
    run("submit", *DIGITS, "--submission", "one", "--to", f"https://me:{IN_A_URL}@host/x", "--yes", code=2)
    assert set(STAGES) - ran == NOT_RUN
    written = [path for place in (root, temporary) for path in place.rglob("*") if path.is_file()]
    assert len(written) > 30
    for secret in (*SECRETS.values(), IN_A_URL):
        assert secret not in said
        assert [path for path in written if secret.encode() in path.read_bytes()] == []


def labels_of_others(paths: Paths, name: str) -> list[str]:
    """Three CSVs of a class's folder, by their paths: a submission's labels, and two without one class."""
    folder, text = paths.root / "class", paths.submission(name).read_text()
    folder.mkdir()
    for team, labels in (
        ("a", text),
        ("b", text.replace(",0\n", ",1\n")),
        ("c", text.replace(",2\n", ",3\n")),
    ):
        (folder / f"{team}.csv").write_text(labels)
    return [f"class/{team}.csv" for team in "abc"]


def test_what_is_said_of_the_stages_is_true() -> None:
    page = " ".join((REPOSITORY / "SECURITY.md").read_text(encoding="utf-8").split())
    told = re.findall(r"test_secrets\.py`: all stages but (.*?) run with", page)
    assert set(re.findall(r"`(\w+)`", *told)) == NOT_RUN
