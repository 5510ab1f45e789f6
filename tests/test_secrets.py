"""Secrets: with all of them set every stage runs, or fails, and nothing that is written or said holds one."""

import shutil
from pathlib import Path

import pytest

from catwalk.core.paths import Paths
from tests.conftest import Run, run_catwalk
from tests.support.kaggle_server import Fault, Kaggle, serving

DIGITS = ("--competition", "digits")
SECRETS = {
    "KAGGLE_KEY": "s3cret-of-kaggle",
    "OPENHPI_TOKEN": "s3cret-of-openhpi",
    "PGPASSWORD": "s3cret-of-postgres",
}
IN_A_URL = "s3cret-in-the-url"


@pytest.mark.slow
def test_no_secret_is_written_or_said(digits_done: tuple[Path, Run], tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(digits_done[0], root)
    paths = Paths(root, "digits")
    paths.toml.write_text(
        paths.toml.read_text().replace("first_id = 1", 'first_id = 1\ncompetition = "eight"')
    )
    (root / ".kaggle").mkdir()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    kaggle = Kaggle(faults={"CreateSubmission": Fault(500, times=1), "PUT": Fault(403, times=1)})
    said = ""

    def run(*arguments: str, code: int) -> None:
        nonlocal said
        done = run_catwalk(
            root, *arguments, **kaggle.environment, **SECRETS, KAGGLE_USERNAME="me", HOME=str(root),
            TMPDIR=str(temporary), VERBOSE="1",
        )  # fmt: skip
        said += done.stdout + done.stderr
        assert done.returncode == code, (arguments, done.stdout, done.stderr)

    with serving(kaggle):
        run("search", *DIGITS, "--trials", "6", "--workers", "1", code=0)
        run("predict", *DIGITS, "--name", "one", code=0)
        run("report", *DIGITS, "--submission", "one", code=0)
        run("score", *DIGITS, "--submission", "one", code=0)
        run("kaggle", *DIGITS, code=0)
        run("kernel", *DIGITS, code=0)
        for code in (3, 3, 0):
            run("submit", *DIGITS, "--submission", "one", "--yes", code=code)
    nobody = "postgresql://catwalk@127.0.0.1:1/catwalk"
    run("search", *DIGITS, "--study", nobody, "--trials", "1", code=3)
    run("search", *DIGITS, "--study", f"postgresql://catwalk:{IN_A_URL}@127.0.0.1:1/catwalk", code=2)
    run("submit", *DIGITS, "--submission", "one", "--to", "openhpi", "--assignment", "1", "--yes", code=3)
    written = [path for place in (root, temporary) for path in place.rglob("*") if path.is_file()]
    assert len(written) > 30
    for secret in (*SECRETS.values(), IN_A_URL):
        assert secret not in said
        assert [path for path in written if secret.encode() in path.read_bytes()] == []
