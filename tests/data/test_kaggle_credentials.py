"""kaggle_credentials.py: which credential is used, and the advice for a missing or misplaced one."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, Run, run_catwalk
from tests.support.kaggle_server import Fault, Kaggle, serving

SECRET = "s3cret-Value-of-the-key"  # noqa: S105


def test_the_credential_is_named_never_shown(tmp_path: Path, project: Path) -> None:
    def said(**more: str) -> str:
        done = run_catwalk(
            project, "kaggle", HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path / "xdg"), **more
        )
        assert done.returncode == 0
        assert SECRET not in done.stdout + done.stderr
        return done.stdout

    assert "no credential is set up" in said()
    assert "the API key from KAGGLE_USERNAME and KAGGLE_KEY is used" in said(
        KAGGLE_USERNAME="me", KAGGLE_KEY=SECRET
    )
    (tmp_path / ".kaggle").mkdir()
    (tmp_path / ".kaggle/kaggle.json").write_text(f'{{"username": "me", "key": "{SECRET}"}}')
    assert f"the API key from {tmp_path}/.kaggle/kaggle.json is used" in said()
    (tmp_path / ".kaggle/access_token").write_text(SECRET)
    both = said()
    assert f"the access token from {tmp_path}/.kaggle/access_token is used" in both
    assert f"also set up, but not used: API key from {tmp_path}/.kaggle/kaggle.json" in both
    (tmp_path / ".kaggle/access_token").unlink()
    (tmp_path / ".kaggle/kaggle.json").write_text("{broken")
    assert "is not used: it is damaged" in said()


KEY = f'{{"username": "me", "key": "{SECRET}"}}'


def kaggle_says(root: Path, home: Path, kaggle: Kaggle | None = None, **more: str) -> Run:
    """A download that needs a login, which Kaggle gives to those who send one."""
    kaggle = kaggle or Kaggle(faults={"DownloadDataFiles": Fault(401, times=9)})
    toml = root / "competitions/digits.toml"
    toml.write_text(toml.read_text().replace('sklearn = "load_digits"', 'kaggle_competition = "eight"'))
    with serving(kaggle):
        done = run_catwalk(
            root, "data", "--competition", "digits", "--source", "kaggle",
            **{**kaggle.environment, "HOME": str(home), **more},
        )  # fmt: skip
    assert SECRET not in done.stdout + done.stderr
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) <= 300
    return done


def follow(advice: str, home: Path, root: Path) -> None:
    (command,) = re.findall(r"((?:mkdir|cp|mv) .*)", advice)
    subprocess.run(["sh", "-ec", command], check=True, cwd=root, env={**os.environ, "HOME": str(home)})


@pytest.mark.parametrize(
    "place",
    [
        "home/.kaggle/kaggle.json.txt", "home/Downloads/kaggle (1).json", "home/Downloads/kaggle.json",
        "project/kaggle.json", "home/.config/kaggle/kaggle (2).json",
    ],
)  # fmt: skip
def test_a_key_that_is_not_found_is_named_and_the_advice_works(
    project: Path, tmp_path: Path, place: str
) -> None:
    home, key = tmp_path / "home", tmp_path / place
    home.mkdir()
    key.parent.mkdir(parents=True, exist_ok=True)
    key.write_text(KEY)
    said = kaggle_says(project, home, XDG_CONFIG_HOME=str(home / ".config")).stderr
    assert "no credential is set up" in said
    follow(said, home, project)
    assert key.read_text() == KEY, "it may be the only copy"
    said = kaggle_says(project, home, XDG_CONFIG_HOME=str(home / ".config")).stderr
    assert f"Kaggle rejected the API key from {home}/.kaggle/kaggle.json (401" in said


def test_a_damaged_key_is_not_replaced_by_the_advice(project: Path, tmp_path: Path) -> None:
    (tmp_path / ".kaggle").mkdir()
    (tmp_path / ".kaggle/kaggle.json").write_text('{"username": "me"')
    (tmp_path / ".kaggle/kaggle (1).json").write_text(KEY)
    said = kaggle_says(project, tmp_path).stderr
    assert "kaggle.json is damaged: rename it, and copy ~/.kaggle/kaggle (1).json there" in said


def test_without_a_credential_the_line_says_how_to_get_one(project: Path, tmp_path: Path) -> None:
    (project / "kaggle.json").write_text('{"not": "a key"}')
    said = kaggle_says(project, tmp_path).stderr
    assert 'Kaggle requires a login (401: "no"), but no credential is set up' in said
    assert "get one at https://www.kaggle.com/settings" in said
    assert "renew" not in said
    (tmp_path / ".kaggle").mkdir()
    (tmp_path / ".kaggle/access_token").write_text(SECRET)
    said = kaggle_says(project, tmp_path).stderr
    assert f"rejected the access token from {tmp_path}/.kaggle/access_token (401" in said
    assert ": renew it" in said


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("place", ["variable", "variable's file", "access_token", "access_token.txt"])
def test_a_key_in_a_token_s_place_is_told(project: Path, tmp_path: Path, place: str, there: bool) -> None:
    (tmp_path / ".kaggle").mkdir()
    target, mine = tmp_path / ".kaggle/kaggle.json", tmp_path / "my key.json"
    if there:
        target.write_text(KEY)
    mine.write_text(KEY)
    more = {"variable": {"KAGGLE_API_TOKEN": KEY}, "variable's file": {"KAGGLE_API_TOKEN": str(mine)}}
    if place.startswith("access"):
        (tmp_path / ".kaggle" / place).write_text(KEY)
    kaggle = Kaggle()
    said = kaggle_says(project, tmp_path, kaggle, **more.get(place, {})).stderr
    assert "holds the text of kaggle.json, not an access token" in said
    assert not kaggle.calls
    if place == "variable":
        assert ("unset KAGGLE_API_TOKEN" in said, "save the text as" in said) == (True, not there)
        target.write_text(KEY)
    elif place == "variable's file" and there:
        assert said.endswith(": unset KAGGLE_API_TOKEN\n")
    else:
        follow(said.replace(", then unset KAGGLE_API_TOKEN", ""), tmp_path, project)
    assert target.read_text() == KEY
    assert sum(KEY in path.read_text() for path in (tmp_path / ".kaggle").iterdir()) >= 1 + there * (
        place.startswith("access")
    )
    assert f"rejected the API key from {target} (401" in kaggle_says(project, tmp_path).stderr


@pytest.mark.parametrize("form", ['"{}"', "'{}'", "export KAGGLE_API_TOKEN={}", "{} # mine"])
@pytest.mark.parametrize("place", ["variable", "access_token"])
def test_more_than_a_token_is_told(project: Path, tmp_path: Path, place: str, form: str) -> None:
    """As it is copied out of a script or an .env file; Kaggle would refuse it."""
    (tmp_path / ".kaggle").mkdir()
    text, kaggle = form.format(SECRET), Kaggle()
    if place == "variable":
        said = kaggle_says(project, tmp_path, kaggle, KAGGLE_API_TOKEN=text).stderr
        assert said.endswith(
            "KAGGLE_API_TOKEN: contains more than the token: quotes, spaces or the variable's name: "
            "set it to the token itself\n"
        )
    else:
        (tmp_path / ".kaggle/access_token").write_text(text)
        said = kaggle_says(project, tmp_path, kaggle).stderr
        assert "~/.kaggle/access_token: contains more than the token" in said
        assert said.endswith(": save only the token itself\n")
    assert not kaggle.calls
    assert SECRET not in said
    (tmp_path / ".kaggle/access_token").write_text(SECRET)
    assert "rejected the access token from" in kaggle_says(project, tmp_path).stderr


@pytest.mark.parametrize("place", ["variable", "kaggle.json"])
def test_a_token_in_a_key_s_place_is_told(project: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / ".kaggle").mkdir()
    kaggle, token = Kaggle(), f"KGAT_{SECRET}"
    if place == "variable":
        given = {"KAGGLE_USERNAME": "me", "KAGGLE_KEY": token}
        said = kaggle_says(project, tmp_path, kaggle, **given).stderr
        assert said.endswith("KAGGLE_KEY: is an access token: set KAGGLE_API_TOKEN to it instead\n")
    else:
        (tmp_path / ".kaggle/kaggle.json").write_text(json.dumps({"username": "me", "key": token}))
        said = kaggle_says(project, tmp_path, kaggle).stderr
        assert "kaggle.json: its key is an access token: save only the token as ~/" in said
    assert not kaggle.calls
    assert SECRET not in said
    (tmp_path / ".kaggle/access_token").write_text(token)
    assert "rejected the access token from" in kaggle_says(project, tmp_path).stderr


def test_a_kaggle_json_that_is_not_used_does_no_harm(project: Path, tmp_path: Path) -> None:
    (tmp_path / ".kaggle").mkdir()
    (tmp_path / ".kaggle/kaggle.json").write_text(json.dumps({"username": "me", "key": f"KGAT_{SECRET}"}))
    said = kaggle_says(project, tmp_path, KAGGLE_USERNAME="me", KAGGLE_KEY=SECRET).stderr
    assert "rejected the API key from KAGGLE_USERNAME and KAGGLE_KEY (401" in said


def test_a_kaggle_notebook_s_own_token_is_used_first(project: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(SECRET)
    given = {
        "KAGGLE_KERNEL_RUN_TYPE": "Interactive", "KAGGLE_DATA_PROXY_URL": "http://127.0.0.1:9",
        "KAGGLE_API_V1_TOKEN": str(token), "KAGGLE_API_TOKEN": "KGAT_of_the_user",
    }  # fmt: skip
    kaggle = Kaggle(faults={"DownloadDataFiles": Fault(403, f"not {SECRET}")})
    said = kaggle_says(project, tmp_path, kaggle, **given).stderr
    assert "accept the rules at https://www.kaggle.com/competitions/eight/rules" in said
    assert "***" in said
    assert f"Bearer {SECRET}" in kaggle.logins
    shown = run_catwalk(project, "kaggle", HOME=str(tmp_path), **given).stdout
    assert f"the access token from {token} is used" in shown
    del given["KAGGLE_API_TOKEN"]
    kaggle = Kaggle(faults={"DownloadDataFiles": Fault(403)})
    assert "accept the rules at " in kaggle_says(project, tmp_path, kaggle, **given).stderr


def test_kaggle_json_is_never_committed() -> None:
    names = ["kaggle.json", "kaggle.json.txt", "kaggle (1).json"]
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", *names], cwd=REPOSITORY, capture_output=True, text=True
    )
    if done.returncode == 128:
        pytest.skip("no git repository")
    assert done.stdout.splitlines() == names
