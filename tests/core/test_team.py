"""team.py: which study is shared, and as whom; no password gets through."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.core.team import Team
from catwalk.data import kaggle_names
from tests.support import stub_command

URL = "postgresql://catwalk@host:5433/db"


def test_without_a_study_there_is_no_team() -> None:
    assert Team.from_options(None, None, None) is None
    with pytest.raises(UserError, match="MEMBER= needs a shared study"):
        Team.from_options(None, "ann", None)


def test_a_url_becomes_sqlalchemy_s() -> None:
    for url in (URL, URL.replace("postgresql", "postgres"), URL.replace("postgresql", "postgresql+psycopg")):
        made = Team.from_options(url, "ann@laptop", None)
        assert made == Team("postgresql+psycopg://catwalk@host:5433/db", "ann@laptop")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:s3cr3t@host/db",
        "postgresql://ann:s3cr3t@host:5433/db?sslmode=require",
        "postgresql://ann@host/db?password=s3cr3t",
        "postgresql://ann@host/db?sslpassword=s3cr3t",
        "postgresql://ann:@host/db",
        "postgresql://ann:12/s3cr3t@host/db",
        "postgresql://ann:12/3?s3cr3t@host/db",
        "mysql://ann:s3cr3t@host/db",
    ],
)
def test_a_password_is_refused_and_never_shown(url: str) -> None:
    with pytest.raises(UserError, match="STUDY= contains a password: leave it out") as error:
        Team.from_options(url, None, None)
    assert "s3cr3t" not in str(error.value)


@pytest.mark.parametrize(
    "url",
    ["", "study.db", "sqlite:///study.db", "postgresql://", "postgresql://host", "postgresql:///db",
     "postgresql://host:port/db", "postgresql://host:99999/db", "postgresql://[::1/db", "mysql://host/db"],
)  # fmt: skip
def test_another_url_is_one_line(url: str) -> None:
    with pytest.raises(UserError, match=r"^STUDY= .*postgresql://user@host:5432/database") as error:
        Team.from_options(url, None, None)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("stage", ["data", "score", "serve", "search"])
def test_a_password_is_not_quoted_by_a_stage_that_knows_no_study(
    stage: str, catwalk: Callable[..., tuple[int, str, str]]
) -> None:
    for url in (
        "postgresql://ann:s3cr3t@host/db",
        "postgresql://ann:12/s3cr3t@host/db",
        "postgresql://ann@host/db?password=s3cr3t",
    ):
        code, out, said = catwalk(stage, "--competition", "digits", "--study", url)
        assert code == 2
        assert "s3cr3t" not in out + said


@pytest.mark.parametrize(
    ("stage", "competition", "source"),
    [
        ("data", "digits", "https://me:s3cr3t@host/x.zip"),
        ("new", "ours", "https://me:s3cr3t@host/x.zip"),
        ("all", "ours", "https://me:s3cr3t@www.kaggle.com/c/ours"),
    ],
)
def test_a_password_is_not_quoted_from_source(
    stage: str, competition: str, source: str, catwalk: Callable[..., tuple[int, str, str]]
) -> None:
    code, out, said = catwalk(stage, "--competition", competition, "--source", source)
    assert (code, said.count("\n")) == (2, 1)
    assert re.search("SOURCE=.*host|not the name of a dataset", said)
    assert "s3cr3t" not in out + said


def test_nor_is_it_where_data_are_there_already(
    project: Path, catwalk: Callable[..., tuple[int, str, str]]
) -> None:
    """From the competition's own source, then put there by hand."""
    digits = ("data", "--competition", "digits")
    assert catwalk(*digits)[0] == 0
    for told in ("no such folder", "holds files put there by hand"):
        code, out, said = catwalk(*digits, "--source", "https://me:s3cr3t@host/x.zip")
        assert code == 2
        assert told in said
        assert "s3cr3t" not in out + said
        Paths(project, "digits").manifest.unlink(missing_ok=True)


def test_a_password_is_not_quoted_from_to() -> None:
    for address in ("https://me:s3cr3t@host/c/x", f"https://{'m' * 40}:s3cr3t{'x' * 40}@host"):
        with pytest.raises(UserError, match="is not the name of a competition on Kaggle") as error:
            kaggle_names.contest(address, "TO=")
        assert "s3cr3t" not in str(error.value)


@pytest.mark.parametrize("member", ["../x", "a/b", ".", "a b", "a\nb", "x" * 65])
def test_a_member_can_be_a_folder(member: str) -> None:
    with pytest.raises(UserError, match="MEMBER="):
        Team.from_options(URL, member, None)


def test_a_member_has_a_name_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise OSError("no such user")

    monkeypatch.setenv("PATH", str(tmp_path))  # without the commands of macOS
    monkeypatch.setattr("getpass.getuser", unknown)
    monkeypatch.setattr("socket.gethostname", lambda: "Ann's laptop")
    made = Team.from_options(URL, None, None)
    assert made
    assert made.member == "someone@Ann-s-laptop"


def test_a_mac_is_the_same_member_in_every_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub_command.put("scutil", "Anns-MacBook-Air", tmp_path, monkeypatch)
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    for host in ("Anns-MacBook-Air.local", "dhcp-17.example.org"):
        monkeypatch.setattr("socket.gethostname", lambda host=host: host)
        made = Team.from_options(URL, None, None)
        assert made
        assert made.member == "ann@Anns-MacBook-Air"


def test_the_folder_of_artifacts_must_be_there(tmp_path: Path) -> None:
    made = Team.from_options(URL, "ann", tmp_path)
    assert made
    assert made.artifacts == tmp_path
    with pytest.raises(UserError, match="no such folder"):
        Team.from_options(URL, "ann", tmp_path / "nowhere")
