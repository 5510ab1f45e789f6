"""sources.py: every source ends in the two CSVs that the TOML names.

Also: idx_csvs.py.
"""

import gzip
import json
import os
import shutil
import ssl
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from catwalk.core import tensorflow_setup
from catwalk.core.errors import LONGEST, CatwalkError, NetworkError, UserError
from catwalk.data import idx, sources
from tests.conftest import Run, load, run_catwalk, run_process


def data(project: Path, competition: str, source: str, **environment: str) -> Run:
    return run_catwalk(project, "data", "--competition", competition, "--source", source, **environment)


def fill_keras_cache(home: Path, fashion_idx: Path) -> None:
    """Put the files of Debian's package where Keras's download would have put them."""
    archive = home / "datasets" / "fashion-mnist"
    archive.mkdir(parents=True)
    for name, path in idx.find(fashion_idx).items():
        content = path.read_bytes()
        (archive / f"{name}.gz").write_bytes(content if path.suffix == ".gz" else gzip.compress(content))


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_of_csvs(project: Path, digits_raw: Path, tmp_path: Path, packed: bool) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for file in digits_raw.iterdir():
        content = file.read_bytes()
        name, content = (f"{file.name}.gz", gzip.compress(content)) if packed else (file.name, content)
        (folder / name).write_bytes(content)
    done = data(project, "digits", str(folder))
    assert done.returncode == 0, done.stderr
    for file in digits_raw.iterdir():
        assert (project / "data/digits/raw" / file.name).read_bytes() == file.read_bytes()
    manifest = json.loads((project / "data/digits/raw/manifest.json").read_text())
    assert manifest["source"] == str(folder)
    assert manifest["files"]["digits_train.csv"]["rows"] == 1437


@pytest.mark.slow
def test_idx_files_and_keras_give_the_same_csvs(project: Path, fashion_idx: Path, tmp_path: Path) -> None:
    assert data(project, "fashion-mnist", str(fashion_idx)).returncode == 0
    by_folder = (project / "data/fashion-mnist/raw/fashion-mnist_train.csv").read_bytes()
    assert by_folder.startswith(b"label,pixel1,pixel2,")
    assert by_folder.count(b"\n") == 60_001
    shutil.rmtree(project / "data")

    # Keras's own loader finds the files where its download would have put them.
    fill_keras_cache(tmp_path / "keras", fashion_idx)
    asked = ("data", "--competition", "fashion-mnist", "--source", "keras")
    done = run_process(project, *asked, KERAS_HOME=str(tmp_path / "keras"))  # it is read at Keras's import
    assert done.returncode == 0, done.stderr
    assert (project / "data/fashion-mnist/raw/fashion-mnist_train.csv").read_bytes() == by_folder


def test_idx_files_of_another_set_are_refused(project: Path, fashion_idx: Path, tmp_path: Path) -> None:
    for name, path in idx.find(fashion_idx).items():
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        (tmp_path / name).write_bytes(content[:-1] + b"\x01")
    done = data(project, "fashion-mnist", str(tmp_path))
    assert done.returncode == 2
    assert "its sha256 differs from the expected one" in done.stderr


@pytest.mark.parametrize(
    ("side", "labels", "said"),
    [
        (16, 3, "pictures of shape (3, 16, 16) and 3 labels do not match shape (8, 8) of digits"),
        (8, 2, "pictures of shape (3, 8, 8) and 2 labels do not match shape (8, 8) of digits"),
    ],
)
def test_idx_files_of_another_shape_are_refused(
    project: Path, tmp_path: Path, side: int, labels: int, said: str
) -> None:
    """Where the TOML has no checksums; the test's pictures do not fit, or one of its labels is missing."""
    for name, shape in zip(idx.FILES, [(9, 8, 8), (9,), (3, side, side), (labels,)], strict=True):
        sizes = b"".join(size.to_bytes(4, "big") for size in shape)
        content = bytes([0, 0, 8, len(shape)]) + sizes + np.zeros(shape, np.uint8).tobytes()
        (tmp_path / name).write_bytes(content)
    done = data(project, "digits", str(tmp_path))
    assert (done.returncode, done.stderr) == (2, f"catwalk data: {said}: choose another SOURCE=\n")
    assert not (project / "data/digits/raw").exists()


def test_auto_names_every_attempt_and_its_fix(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any network: a line for each source, then one error with them all."""
    lines: list[str] = []
    monkeypatch.setattr(sources, "DEBIAN_DATASETS", tmp_path / "nothing")
    monkeypatch.setenv("PATH", str(tmp_path))  # no apt-get
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # nothing listens on the discard port
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for proxy in ("https_proxy", "HTTPS_PROXY", "http_proxy"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    folder = tmp_path / "aside"
    folder.mkdir()
    with pytest.raises(NetworkError) as error:
        sources.fetch("auto", load("fashion-mnist"), folder, lines.append)
    for name in ("kaggle", "debian", "keras"):
        assert f"{name}: " in str(error.value)
        assert sum(line.startswith(f"{name}: ") for line in lines) == 2
    assert error.value.fix.startswith("check the network and run the command again, or set SOURCE= to ")
    assert any(line.startswith("keras: ") and "Connection refused)" in line for line in lines), "whole"
    assert not list(folder.iterdir())


def test_the_error_of_an_only_source_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise UserError("no apt-get", fix="choose another SOURCE=")

    lines: list[str] = []
    monkeypatch.setitem(sources.SOURCES, "debian", fail)
    with pytest.raises(UserError, match=r"^no apt-get: choose another SOURCE=$"):
        sources.fetch("debian", load("fashion-mnist"), tmp_path, lines.append)
    assert lines == ["debian: trying"]


def test_without_a_network_s_fault_it_is_not_to_be_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise UserError("not here", fix="choose another SOURCE=")

    for name in ("kaggle", "debian", "keras"):
        monkeypatch.setitem(sources.SOURCES, name, fail)
    with pytest.raises(UserError, match=r": set SOURCE= to a folder that holds its files$"):
        sources.fetch("auto", load("fashion-mnist"), tmp_path, print)


def test_apt_works_in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As apt itself reads its options; an update that fails, perhaps of another repository, is no end."""
    calls: list[tuple[str, ...]] = []

    def run(*command: str, cwd: Path | None = None) -> None:
        assert (command[0], cwd) == ("apt-get", tmp_path)
        calls.append(command[1:])
        if command[-1] == "update":
            raise NetworkError("no Release file", fix="try again later")

    monkeypatch.setattr(sources, "_run", run)
    sources._apt_download("dataset-fashion-mnist", tmp_path)
    assert [words[-1] for words in calls] == ["update", "dataset-fashion-mnist"]
    if shutil.which("apt-config") is None:
        pytest.skip("apt is not installed")
    asked = ("shell", "LISTS", "Dir::State::Lists/d", "CACHE", "Dir::Cache::Archives/d")
    own = tmp_path.resolve() / "apt"
    for words in calls:
        options = [word for word in words if word.startswith("-o")]
        done = subprocess.run(["apt-config", *options, *asked], capture_output=True, text=True)
        assert done.stdout.split() == [f"LISTS='{own}/lists/'", f"CACHE='{own}/cache/archives/'"], done.stderr
    assert (own / "lists/partial").is_dir()
    assert (own / "cache/archives/partial").is_dir()


def test_keras_s_own_words_are_short_and_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError(f"URL fetch failure on https://example.org/{'a' * 90}/b.gz: None -- {'why ' * 60}")

    tensorflow_setup.load()  # before Keras is imported
    monkeypatch.setattr("keras.datasets.fashion_mnist.load_data", fail)
    with pytest.raises(NetworkError) as error:
        sources.keras_arrays(load("fashion-mnist"))
    _, _, words = error.value.what.partition("(")
    assert words.startswith("URL fetch failure: None -- why why")
    assert len(words) == LONGEST + len(")")


def test_keras_downloads_where_python_has_no_certificates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Python from python.org on macOS has none, whose folder of certificates is empty."""
    seen: list[str | None] = []
    tensorflow_setup.load()  # before Keras is imported
    monkeypatch.setattr(
        "keras.datasets.fashion_mnist.load_data", lambda: seen.append(os.environ.get("SSL_CERT_FILE"))
    )
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    for cafile, capath in (("/etc/ssl/cert.pem", None), (None, None), (None, str(tmp_path))):
        theirs = SimpleNamespace(cafile=cafile, capath=capath)
        monkeypatch.setattr(ssl, "get_default_verify_paths", lambda theirs=theirs: theirs)
        sources.keras_arrays(load("fashion-mnist"))
    own, bundle, same = seen
    assert own is None
    assert bundle
    assert bundle == same
    assert ssl.create_default_context(cafile=bundle).cert_store_stats()["x509_ca"] > 50
    assert "SSL_CERT_FILE" not in os.environ
    monkeypatch.setenv("SSL_CERT_FILE", "/the/users/own.pem")
    sources.keras_arrays(load("fashion-mnist"))
    assert seen[-1] == "/the/users/own.pem"


@pytest.mark.parametrize(
    ("competition", "source", "said"),
    [
        ("digits", "kaggle", "digits is not available there: choose one of auto, sklearn"),
        ("digits", "/nowhere", "neither a folder, a zip nor one of auto, sklearn"),
        ("digits", ".", "digits_train.csv and digits_test.csv are missing, nothing is there"),
    ],
)
def test_a_source_that_can_not_be(tmp_path: Path, competition: str, source: str, said: str) -> None:
    place = str(tmp_path) if source == "." else source
    with pytest.raises(UserError) as error:
        sources.fetch(place, load(competition), tmp_path, print)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("cut.zip", b"PK\x03\x04 and no more", "cut.zip: damaged zip file: download it again"),
        ("page.zip", b"<html>", "page.zip: this is a web page, not an archive: download it again"),
        (
            "digits_train.csv",
            b"label\n",
            "neither a folder nor a zip: choose a new COMPETITION= for other data, or use its folder",
        ),
    ],
)
def test_a_file_that_is_no_source(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as error:
        sources.fetch(str(tmp_path / name), load("digits"), tmp_path, print)
    assert said in str(error.value)


def test_a_link_whose_target_is_gone(project: Path) -> None:
    """As a data folder on a disk that was taken out."""
    (project / "data").mkdir()
    (project / "data/digits").symlink_to("/nowhere/digits")
    done = data(project, "digits", "sklearn")
    assert done.returncode == 4
    assert "data/digits: broken link to /nowhere/digits" in done.stderr


def test_damaged_gzip(tmp_path: Path, digits_raw: Path) -> None:
    (tmp_path / "digits_train.csv.gz").write_bytes(gzip.compress(b"label")[:-4])
    shutil.copy(digits_raw / "digits_test.csv", tmp_path)
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(CatwalkError, match=r"digits_train\.csv\.gz: damaged gzip file"):
        sources.fetch(str(tmp_path), load("digits"), target, print)
