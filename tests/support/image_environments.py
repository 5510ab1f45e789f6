"""Image environments: the packages of Kaggle's and Colab's images, as environments that are built once.

They lie in ``.images/`` of the checkout, named by what they were made from. uv builds one in half a minute.
"""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from catwalk.core import locks
from tests.support.checkout import REPOSITORY

FOLDER = REPOSITORY / ".images"
ENVIRONMENT = dict(os.environ)  # tests change it meanwhile
LISTS = REPOSITORY / "tests/images"
# Without network, where root may make a namespace; its own address is there, for the kernel's sockets.
OFFLINE = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


def can_be_offline() -> bool:
    """Whether a namespace without network can be made here."""
    try:
        return subprocess.run([*OFFLINE, "true"], capture_output=True).returncode == 0
    except OSError:
        return False


def uv(*arguments: str | Path) -> str:
    """What uv prints."""
    found = shutil.which("uv")
    command = [found] if found else [sys.executable, "-m", "uv"]
    environment = {key: value for key, value in ENVIRONMENT.items() if key != "PYTHONPATH"}
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def interpreter(version: str) -> str:
    """A Python of this version, from the PATH or pyenv; else the test is skipped."""
    pyenv = Path.home() / ".pyenv/versions"
    newest_first = sorted(
        pyenv.glob(f"{version}.*/bin/python"), key=lambda path: path.parts[-3], reverse=True
    )
    said = "import sys; print(*sys.version_info[:2], sep='.'); print(sys._base_executable)"
    for candidate in (f"python{version}", *map(str, newest_first)):
        try:
            done = subprocess.run([candidate, "-c", said], capture_output=True, text=True)
        except OSError:
            continue
        found, _, path = done.stdout.strip().partition("\n")
        if found == version:  # pyenv's shims may fail, or be of another version
            return path
    pytest.skip(f"no Python {version} on the PATH or in ~/.pyenv/versions")


@contextlib.contextmanager
def image(name: str, version: str) -> Iterator[Path]:
    """The Python of an image's environment, used by nobody else within the block.

    What a notebook installed there before is undone.
    """
    packages = LISTS / f"{name}.txt"
    what: list[str | Path] = ["--no-deps", "--requirements", packages]
    python = _made(name, version, packages.read_text(), what)
    with locks.locked(python.parents[1], wait=True):
        listed = {_normal(line.split("==")[0]) for line in packages.read_text().splitlines() if "==" in line}
        there = {line.split("==")[0] for line in uv("pip", "freeze", "--python", python).splitlines()}
        if added := [one for one in there if _normal(one) not in listed | {"pip"}]:
            uv("pip", "uninstall", "--python", python, *added)
        uv("pip", "install", "--quiet", "--python", python, *what)  # other versions of what is on the list
        yield python


def lowest() -> Path:
    """The Python of an environment of pyproject.toml's lower bounds, and what the tests need besides."""
    pyproject = REPOSITORY / "pyproject.toml"
    content = pyproject.read_text()
    name = f"lowest-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
    FOLDER.mkdir(exist_ok=True)
    pins = FOLDER / f"{name}.txt"
    common = ("pip", "compile", "--quiet", "--python-version", "3.11")
    if not pins.is_file():
        uv(*common, "--resolution", "lowest-direct", "--output-file", pins.with_suffix(".lowest"), pyproject)
        uv(*common, "--extra", "dev", "--extra", "build", "--constraint", pins.with_suffix(".lowest"),
           "--output-file", pins, pyproject)  # fmt: skip
    python = _made("lowest", "3.11", pins.read_text(), ["--no-deps", "--requirements", pins])
    build = ("--no-deps", "--no-build-isolation", "--editable", REPOSITORY)
    uv("pip", "install", "--quiet", "--python", python, *build)
    return python


def _made(name: str, version: str, content: str, what: list[str | Path]) -> Path:
    """The Python of an environment that holds ``what``, built if it is not there yet."""
    base = interpreter(version)
    digest = hashlib.sha256(f"{version} {content}".encode()).hexdigest()[:12]
    place = FOLDER / f"{name}-{digest}"
    python, whole = place / "bin/python", place / "whole"
    FOLDER.mkdir(exist_ok=True)
    with locks.locked(FOLDER, wait=True):
        if not whole.is_file():
            shutil.rmtree(place, ignore_errors=True)
            for older in list(FOLDER.glob(f"{name}-*/whole")):
                shutil.rmtree(older.parent)
            uv("venv", "--quiet", "--seed", "--no-python-downloads", "--python", base, place)
            uv("pip", "install", "--quiet", "--python", python, *what)
            whole.touch()
    return python


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
