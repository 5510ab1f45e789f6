"""kaggle_client.py: the real client against a server of our own.

Also: http_timeout.py, kaggle_download.py, kaggle_errors.py, kaggle_names.py.
"""

import base64
import builtins
import contextlib
import errno
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from catwalk.core import http_timeout, packages, terminal
from catwalk.core.errors import UserError
from catwalk.data import archives, kaggle_client, kaggle_errors, kaggle_names
from tests.conftest import REPOSITORY, Run, SmallDisk, clean_environment, run_catwalk, run_process
from tests.support.kaggle_server import Fault, Kaggle, serving

CHUNK = 1 << 20  # what the client writes at once


@pytest.fixture
def on_kaggle(project: Path) -> Path:
    """A project in which ``digits`` is a Kaggle dataset and ``digits-open`` a competition."""
    text = (project / "competitions" / "digits.toml").read_text()
    for name, source in (
        ("digits", 'kaggle_dataset = "someone/eight"'),
        ("digits-open", 'kaggle_competition = "eight-open"'),
    ):
        target = project / "competitions" / f"{name}.toml"
        target.write_text(text.replace('sklearn = "load_digits"', source))
    return project


def zipped(folder: Path, *names: str, more: int = 0) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.write(folder / name, f"inner/{name}")
        archive.writestr("readme.txt", "something else")
        archive.writestr("picture.png", os.urandom(more))
    return buffer.getvalue()


def fetch(project: Path, kaggle: Kaggle, competition: str = "digits", **more: str) -> Run:
    with serving(kaggle):
        return run_catwalk(
            project, "data", "--competition", competition, "--source", "kaggle",
            **{**kaggle.environment, "HOME": str(project), **more},
        )  # fmt: skip


@pytest.mark.parametrize("competition", ["digits", "digits-open"])
def test_download_as_it_came(on_kaggle: Path, digits_raw: Path, competition: str) -> None:
    kaggle = Kaggle(zipped(digits_raw, "digits_train.csv", "digits_test.csv"))
    done = fetch(on_kaggle, kaggle, competition)
    assert done.returncode == 0, done.stderr
    raw = on_kaggle / "data" / competition / "raw"
    assert sorted(path.name for path in raw.iterdir()) == [
        "digits_test.csv",
        "digits_train.csv",
        "manifest.json",
    ]
    assert (raw / "digits_train.csv").read_bytes() == (digits_raw / "digits_train.csv").read_bytes()
    calls = len(kaggle.calls)
    again = fetch(on_kaggle, kaggle, competition)
    assert again.returncode == 0
    assert "already done" in again.stdout
    assert len(kaggle.calls) == calls, "what is there is not fetched twice"


def test_a_broken_download_goes_on_where_it_broke(
    on_kaggle: Path, digits_raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)  # the client waits 2 to 3 s before it goes on
    kaggle = Kaggle(zipped(digits_raw, "digits_train.csv", "digits_test.csv", more=3 * CHUNK), cut=1)
    done = fetch(on_kaggle, kaggle)
    assert done.returncode == 0, done.stderr
    assert kaggle.ranges == [f"bytes={CHUNK}-"]
    assert sorted(path.name for path in (on_kaggle / "data/digits").iterdir()) == ["raw"]


@pytest.mark.slow
def test_another_tool_s_verbose_does_not_read_downloads_whole(
    on_kaggle: Path, digits_raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kaggle = Kaggle(zipped(digits_raw, "digits_train.csv", "digits_test.csv", more=3 * CHUNK), cut=1)
    base = kaggle_client._api_class().__base__
    assert base is not None
    monkeypatch.setattr(base, "args", ["--local", "--verbose"])  # as its import under VERBOSE=1 leaves it
    assert fetch(on_kaggle, kaggle).returncode == 0
    assert kaggle.ranges == [f"bytes={CHUNK}-"]


def test_an_ended_download_goes_on_with_the_next_command(on_kaggle: Path, digits_raw: Path) -> None:
    kaggle = Kaggle(zipped(digits_raw, "digits_train.csv", "digits_test.csv", more=3 * CHUNK), cut=9)
    part = on_kaggle / "data/digits/.download/eight.zip"
    with serving(kaggle):
        process = subprocess.Popen(
            [sys.executable, "-m", "catwalk", "data", "--competition", "digits", "--source", "kaggle"],
            cwd=on_kaggle, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=clean_environment(**kaggle.environment, HOME=str(on_kaggle)),
        )  # fmt: skip
        end = time.monotonic() + 60
        while not (part.is_file() and part.stat().st_size) and time.monotonic() < end:
            time.sleep(0.1)
        process.kill()
        process.wait()
    kaggle.cut, there = 0, part.stat().st_size
    kaggle.ranges.clear()
    done = fetch(on_kaggle, kaggle)
    assert done.returncode == 0, done.stderr
    assert kaggle.ranges == [f"bytes={there}-"]
    assert not part.parent.exists()


def test_a_full_disk_in_a_download_is_one_line(on_kaggle: Path, digits_raw: Path, disk: SmallDisk) -> None:
    """What had arrived is kept, and gone on with once there is room."""
    root = disk.place / "project"
    shutil.copytree(on_kaggle, root)
    kaggle = Kaggle(zipped(digits_raw, "digits_train.csv", "digits_test.csv", more=3 * CHUNK))
    disk.size(disk.used() + 1500)
    done = fetch(root, kaggle, PYTHONDONTWRITEBYTECODE="1")
    assert (done.returncode, done.stderr.count("\n")) == (4, 1), done.stderr
    assert "make room on the disk" in done.stderr
    assert not (root / "data/digits/raw").exists()
    disk.size(200_000)
    done = fetch(root, kaggle)
    assert done.returncode == 0, done.stderr
    assert len(kaggle.ranges) == 1, "it begins where the disk was full"


@pytest.mark.parametrize(
    ("asked", "times", "waits"),
    [("7", 1, [7.0, 2.0]), ("600", 1, [60.0, 2.0]), ("some time", 2, [1.0, 2.0, 4.0])],
)
def test_a_busy_kaggle_is_asked_again_when_it_says(
    on_kaggle: Path, digits_raw: Path, monkeypatch: pytest.MonkeyPatch, asked: str, times: int,
    waits: list[float],
) -> None:  # fmt: skip
    """It asks for a time, at first; then the download itself fails once, without a word."""
    waited = list[float]()
    monkeypatch.setattr(kaggle_client, "time", SimpleNamespace(sleep=waited.append))
    busy = {"DownloadDataset": Fault(429, headers={"Retry_After": asked}, times=times), "GET": Fault(500)}
    kaggle = Kaggle(zipped(digits_raw, "digits_train.csv", "digits_test.csv"), faults=busy)
    done = fetch(on_kaggle, kaggle)
    assert done.returncode == 0, done.stderr
    assert waited == waits


def test_a_busy_kaggle_is_asked_again_at_login(on_kaggle: Path, digits_raw: Path) -> None:
    login, busy = {"KAGGLE_API_TOKEN": "KGAT_0a1"}, Fault(503, headers={"Retry_After": "0"})
    blob = zipped(digits_raw, "digits_train.csv", "digits_test.csv")
    kaggle = Kaggle(blob, faults={"IntrospectToken": busy})
    done = fetch(on_kaggle, kaggle, **login)
    assert done.returncode == 0, done.stderr
    assert sum(call.endswith("/IntrospectToken") for call in kaggle.calls) == 2


def test_a_signed_address_is_not_logged(on_kaggle: Path, digits_raw: Path) -> None:
    """In a process of its own: the client reads VERBOSE= when it is imported."""
    blob, signature = zipped(digits_raw, "digits_train.csv", "digits_test.csv"), "X-Goog-Signature=s3cret"
    kaggle = Kaggle(blob, location=f"http://localhost/blob.zip?{signature}")
    with serving(kaggle):
        done = run_process(
            on_kaggle, "data", "--competition", "digits", "--source", "kaggle",
            **{**kaggle.environment, "HOME": str(on_kaggle), "VERBOSE": "1"},
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert any(signature in call for call in kaggle.calls)
    assert signature not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (401, 2, 'rejected the API key from KAGGLE_USERNAME and KAGGLE_KEY (401: "no")'),
        (403, 2, "accept the rules at https://www.kaggle.com/competitions/eight-open/rules"),
        (404, 2, "digits-open.toml, kaggle_competition: Kaggle has no competition eight-open (404: "),
        (503, 3, 'answer from Kaggle (status 503: "no")'),
    ],
)
def test_refusals(
    on_kaggle: Path, status: int, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kaggle_client, "LONGEST_WAIT", 0.1)
    done = fetch(
        on_kaggle, Kaggle(status=status), "digits-open", KAGGLE_USERNAME="me", KAGGLE_KEY="s3cretkey"
    )
    assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
    assert said in done.stderr
    assert "s3cretkey" not in done.stdout + done.stderr
    assert not (on_kaggle / "data" / "digits-open" / "raw").exists()


@pytest.mark.parametrize(
    ("blob", "said"),
    [
        (b"<!DOCTYPE html><html>log in</html>", "the download is a web page"),
        (b"PK\x03\x04 but no more", "the download is not a complete zip"),
        (b"short", "digits_test.csv: got 359 rows from kaggle, expected 360"),
    ],
)
def test_what_arrives_is_checked(
    on_kaggle: Path, digits_raw: Path, tmp_path: Path, blob: bytes, said: str
) -> None:
    if blob == b"short":
        shutil.copytree(digits_raw, tmp_path / "short")
        test = tmp_path / "short" / "digits_test.csv"
        test.write_text("".join(test.read_text().splitlines(True)[:-1]))
        blob = zipped(tmp_path / "short", "digits_train.csv", "digits_test.csv")
    done = fetch(on_kaggle, Kaggle(blob))
    assert (done.returncode, done.stderr.count("\n")) == (3, 1), done.stderr
    assert said in done.stderr
    assert not list((on_kaggle / "data" / "digits").iterdir()), "nothing is left half-written"


def test_a_web_page_instead_of_the_redirect_to_a_zip(on_kaggle: Path) -> None:
    kaggle = Kaggle(b"<!DOCTYPE html><html>log in</html>", location="")
    done = fetch(on_kaggle, kaggle, "digits-open", **LOGIN)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1), done.stderr
    assert "eight-open.zip: the download is a web page: run the command again" in done.stderr
    assert not list((on_kaggle / "data/digits-open").iterdir())


WAITING = "data/digits/.download/someone-eight.complete.zip"


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ("a name", 2, "contains no digits_tests.csv, there is inner/digits_train.csv, inner/digits_test"),
        ("a shape", 2, "shape = [28, 28] needs 784 pixel columns"),
        ("the disk", 4, "make room on the disk"),
        ("Ctrl-C", 130, ""),
    ],
)
def test_what_is_not_read_is_not_downloaded_again(
    on_kaggle: Path, digits_raw: Path, monkeypatch: pytest.MonkeyPatch, fault: str, code: int, said: str
) -> None:
    """The complete zip waits while the TOML is corrected, or room is made on the disk."""
    kaggle = Kaggle(zipped(digits_raw, "digits_train.csv", "digits_test.csv"))
    toml = on_kaggle / "competitions/digits.toml"
    text = toml.read_text()
    wrong = {"a name": ("digits_test.csv", "digits_tests.csv"), "a shape": ("[8, 8]", "[28, 28]")}
    stops = {"the disk": OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "Ctrl-C": KeyboardInterrupt()}

    def stopped(*_: object) -> None:
        raise stops[fault]

    with monkeypatch.context() as patched:
        if fault in stops:
            patched.setattr(archives, "unpack", stopped)
        else:
            toml.write_text(text.replace(*wrong[fault]))
        done = fetch(on_kaggle, kaggle)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert (on_kaggle / WAITING).is_file()
    calls = len(kaggle.calls)
    toml.write_text(text)
    done = fetch(on_kaggle, kaggle)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(kaggle.calls) == calls
    assert sorted(path.name for path in (on_kaggle / "data/digits").iterdir()) == ["raw"]


def test_an_error_in_a_downloaded_csv_names_the_zip(
    on_kaggle: Path, digits_raw: Path, tmp_path: Path
) -> None:
    """With the CSV corrected in that zip, the same command succeeds."""
    shutil.copytree(digits_raw, tmp_path / "wrong")
    train = tmp_path / "wrong" / "digits_train.csv"
    train.write_text(train.read_text().replace("\n", "\nx", 1))
    done = fetch(on_kaggle, Kaggle(zipped(tmp_path / "wrong", "digits_train.csv", "digits_test.csv")))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "digits_train.csv: row 2: column 'label': the label 'x" in done.stderr
    assert f"correct it in {WAITING} (or choose another SOURCE=), or add its class" in done.stderr
    (on_kaggle / WAITING).write_bytes(zipped(digits_raw, "digits_train.csv", "digits_test.csv"))
    done = fetch(on_kaggle, Kaggle(status=503))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_zip_in_which_two_files_may_be_meant(on_kaggle: Path, digits_raw: Path) -> None:
    content = io.BytesIO(zipped(digits_raw, "digits_train.csv", "digits_test.csv"))
    with zipfile.ZipFile(content, "a") as archive:
        archive.write(digits_raw / "digits_train.csv", "other/digits_train.csv")
    done = fetch(on_kaggle, Kaggle(content.getvalue()))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    both = "inner/digits_train.csv, other/digits_train.csv"
    assert f"ambiguous: {both} all match digits_train.csv: choose another SOURCE=" in done.stderr


def test_a_zip_of_packed_csvs(on_kaggle: Path, digits_raw: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in digits_raw.iterdir():
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as inner:
                inner.write(path, path.name)
            archive.writestr(f"{path.name}.zip", packed.getvalue())
    done = fetch(on_kaggle, Kaggle(content.getvalue()))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_server_that_does_not_answer_is_given_up(on_kaggle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_timeout, "TIMEOUT", 1)  # it is 10 s
    stall = threading.Event()
    kaggle = Kaggle(stall=stall)
    with serving(kaggle):
        done = run_catwalk(
            on_kaggle, "data", "--competition", "digits", "--source", "kaggle",
            **{**kaggle.environment, "HOME": str(on_kaggle)},
        )  # fmt: skip
        stall.set()
    assert done.returncode == 3
    assert "did not answer within 10 s" in done.stderr


def test_importing_catwalk_never_imports_kaggle() -> None:
    source = REPOSITORY / "src"
    texts = {path: path.read_text() for path in (source / "catwalk").rglob("[!_]*.py")}
    users = [path for path, text in texts.items() if "kaggle_client" in text or path.stem == "kaggle_client"]
    assert {"kaggle_download", "submit", "kaggle_client"} <= {path.stem for path in users}
    names = [".".join(path.relative_to(source).with_suffix("").parts) for path in users]
    code = f"import sys, {', '.join(names)}, catwalk.cli; sys.exit('kaggle' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


SOURCES = ('kaggle_dataset = "someone/eight"', 'kaggle_competition = "eight-open"')


def skip_where_somebody_listens() -> None:
    """Without a proxy the client asks port 80 of this machine, where offline tests expect nobody."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", 80), timeout=5):
        pytest.skip("a server listens on port 80 of this machine")


@pytest.fixture
def as_in_a_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """``exit`` and ``quit`` are for people at a prompt; a notebook's cell has none."""
    for name in ("exit", "quit"):
        monkeypatch.delattr(builtins, name)


@pytest.mark.usefixtures("as_in_a_kernel")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("status", [0, 401, 403])
def test_without_a_credential_the_next_source_is_tried(
    project: Path, tmp_path: Path, source: str, status: int
) -> None:
    toml = project / "competitions/digits.toml"
    toml.write_text(toml.read_text().replace("[sources]", f"[sources]\n{source}"))
    home, kaggle = tmp_path / "home", Kaggle(status=status)
    home.mkdir()
    if not status:
        skip_where_somebody_listens()
    with serving(kaggle):
        where = kaggle.environment if status else {"HTTP_PROXY": "", "http_proxy": ""}
        done = run_catwalk(project, "data", "--competition", "digits", HOME=str(home), **where)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    said = f"Kaggle requires a login ({status}" if status else "offline: no network"
    assert f"\nkaggle: {said}" in done.stdout
    assert "(source: sklearn)" in done.stdout
    assert not list(home.iterdir()), "nothing is left in the user's home"


@pytest.mark.usefixtures("as_in_a_kernel")
@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("access_token", "KGAT_stale"),
        ("kaggle.json", '["no table"]'),
        ("kaggle.json", "{broken"),
        ("credentials.json", '["no table"]'),
        ("credentials.json", '{"refresh_token": "old", "username": "me"}'),
    ],
)
def test_a_credential_that_is_of_no_use_is_told_and_stays(
    on_kaggle: Path, tmp_path: Path, file: str, content: str
) -> None:
    path = tmp_path / "home/.kaggle" / file
    path.parent.mkdir(parents=True)
    path.write_text(content)
    refused = Fault(401, times=9)
    faults = {"DownloadDataset": refused, "GenerateAccessToken": refused, "IntrospectToken": Fault(403)}
    done = fetch(on_kaggle, Kaggle(status=401, faults=faults), HOME=str(tmp_path / "home"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    renewed = "auth login --force" if "refresh_token" in content else "https://www.kaggle.com/settings"
    assert renewed in done.stderr
    assert len(done.stderr.rstrip("\n")) <= 300
    assert path.read_text() == content


def test_a_public_dataset_needs_no_credential(on_kaggle: Path, digits_raw: Path, tmp_path: Path) -> None:
    kaggle = Kaggle(zipped(digits_raw, "digits_train.csv", "digits_test.csv"))
    done = fetch(on_kaggle, kaggle, HOME=str(tmp_path / "nowhere"))
    assert done.returncode == 0, done.stderr
    assert kaggle.logins == {""}


LOGIN = {"KAGGLE_USERNAME": "me", "KAGGLE_KEY": "s3cretkey"}


@pytest.mark.parametrize("status", [400, 403])
def test_kaggle_s_own_words_stand_beside_ours(on_kaggle: Path, status: int) -> None:
    basic = base64.b64encode(b"me:s3cretkey").decode()
    words = f"Accept\nthe \x1b[31mrules\u202e of s3cretkey {basic} {'a1' * 16} KGAT_0a1 {'long ' * 60}"
    kaggle = Kaggle(faults={"DownloadDataFiles": Fault(status, words)})
    done = fetch(on_kaggle, kaggle, "digits-open", **LOGIN)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert f'({status}: "Accept the \\x1b[31mrules\\u202e of *** *** *** *** long long' in done.stderr
    (shown,) = re.findall(r'"(.*)"', done.stderr)
    assert len(shown) == {400: 120, 403: 62}[status], "as much as fits"
    assert len(done.stderr) < 300
    assert done.stderr[:-1].isprintable()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 503])
@pytest.mark.parametrize("login", [LOGIN, {}])
def test_a_line_has_room_for_the_longest_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, login: dict[str, str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in login.items():
        monkeypatch.setenv(name, value)
    answer = requests.Response()
    answer.status_code, answer._content = status, json.dumps({"message": "word " * 99}).encode()
    page = kaggle_names.contest("x" * kaggle_names.LONGEST, "competitions/a-competition.toml, competition")
    told = kaggle_errors.to_user_error(requests.HTTPError(response=answer), page)
    assert len(f"catwalk leaderboard: {told}") <= 300
    assert told.fix


def test_a_refused_key_s_advice_names_what_shows_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notebook has no such command."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in LOGIN.items():
        monkeypatch.setenv(name, value)
    answer = requests.Response()
    answer.status_code, answer._content = 401, b"{}"
    refused, page = requests.HTTPError(response=answer), kaggle_names.contest("eight", "TO=")
    renew = "renew it at https://www.kaggle.com/settings"
    shows = f"{renew}; make kaggle shows what else is set up"
    assert kaggle_errors.to_user_error(refused, page).fix == shows
    monkeypatch.setenv(terminal.NOTEBOOK, "1")
    assert kaggle_errors.to_user_error(refused, page).fix == renew


def test_an_answer_without_words_has_none(on_kaggle: Path) -> None:
    kaggle = Kaggle(faults={"DownloadDataFiles": Fault(403, "")})
    assert "access denied (403): " in fetch(on_kaggle, kaggle, "digits-open", **LOGIN).stderr


@pytest.mark.parametrize(
    ("broken", "code", "said"),
    [
        ({"HTTP_PROXY": "", "http_proxy": ""}, 3, "offline: no network, or Kaggle can't be reached"),
        ({"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}, 3, "offline: the proxy"),
    ],
)
def test_offline_is_said(on_kaggle: Path, broken: dict[str, str], code: int, said: str) -> None:
    if not broken["HTTP_PROXY"]:
        skip_where_somebody_listens()
    done = run_catwalk(
        on_kaggle, "data", "--competition", "digits", "--source", "kaggle", HOME=str(on_kaggle),
        NO_PROXY="", no_proxy="", **broken,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (code, 1)
    assert said in done.stderr


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (
            requests.exceptions.SSLError("certificate verify failed"),
            "Kaggle's certificate can't be verified: a proxy or virus scanner may intercept it: "
            "set REQUESTS_CA_BUNDLE= to its certificate",
        ),
        (KeyError("downloadUrl"), "the Kaggle client failed (KeyError): try again later"),
        (SystemExit(1), "the Kaggle client failed (SystemExit): try again later"),
    ],
    ids=["a certificate", "any exception", "an exit"],
)
def test_whatever_the_client_raises_is_one_line(
    on_kaggle: Path, monkeypatch: pytest.MonkeyPatch, raised: BaseException, said: str
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise raised

    client = SimpleNamespace(dataset_download_files=failing)
    monkeypatch.setattr(kaggle_client, "_logged_in", lambda: client)
    done = run_catwalk(
        on_kaggle, "data", "--competition", "digits", "--source", "kaggle", HOME=str(on_kaggle)
    )
    assert (done.returncode, done.stderr) == (3, f"catwalk data: {said}\n")
    assert not list((on_kaggle / "data/digits").iterdir())


@pytest.mark.parametrize("name", ["eight", "some one/eight", "someone/eight/2", "someone/Eight", "../eight"])
def test_what_is_no_name_of_a_dataset_is_refused_before_any_call(on_kaggle: Path, name: str) -> None:
    toml = on_kaggle / "competitions/digits.toml"
    toml.write_text(toml.read_text().replace("someone/eight", name))
    kaggle = Kaggle()
    done = fetch(on_kaggle, kaggle)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"competitions/digits.toml, kaggle_dataset: {name!r} is not the name of a dataset" in done.stderr
    assert not kaggle.calls


@pytest.mark.parametrize("page", ["zalando-research/fashionmnist", "zalando-research/fashionmnist/data"])
@pytest.mark.parametrize("start", ["https://www.kaggle.com/", "https://www.kaggle.com/datasets/"])
def test_an_old_address_of_a_dataset_begins_with_its_owner(start: str, page: str) -> None:
    found = kaggle_names.page(start + page, "SOURCE=")
    assert (found.kind, found.name) == ("dataset", "zalando-research/fashionmnist")
    assert kaggle_names.dataset(start + page, "kaggle_dataset") == replace(found, given="kaggle_dataset")


@pytest.mark.parametrize("page", ["code/me/eight", "zalando-research", "competitions", "datasets"])
def test_other_pages_on_kaggle_hold_no_files(page: str) -> None:
    with pytest.raises(UserError, match="SOURCE="):
        kaggle_names.page(f"https://www.kaggle.com/{page}", "SOURCE=")


def test_a_client_that_is_too_old_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "too_old", lambda name: f"{name}<3,>=2.2.4")
    toml = project / "competitions/digits.toml"
    toml.write_text(toml.read_text().replace("[sources]", '[sources]\nkaggle_dataset = "someone/eight"'))
    done = run_catwalk(project, "data", "--competition", "digits", "--source", "kaggle")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert re.search(r"the Kaggle client \S+ is too old: run pip install 'kaggle<3,>=2\.2\.4'$", done.stderr)
