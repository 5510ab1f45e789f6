"""network.py: kept networks of another Keras, and damaged ones; the rest is tested with the training step."""

import json
import zipfile
from pathlib import Path

import keras
import pytest

from catwalk.core.errors import UserError
from catwalk.models import network


def saved(path: Path, version: str) -> Path:
    """A network with an argument that this Keras does not know, saved by the given version."""
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="first")]).save(path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["config.json"] = files["config.json"].replace(b'"units": 2', b'"units": 2, "sides": 3')
    files["metadata.json"] = json.dumps({"keras_version": version}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_a_newer_keras_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "1.keras", "99.1.0")
    with pytest.raises(UserError, match=r"1\.keras was saved by Keras 99\.1\.0, and Keras "):
        network.load(path)


def test_any_other_one_is_damaged(tmp_path: Path) -> None:
    path = saved(tmp_path / "1.keras", keras.__version__)
    with pytest.raises(UserError, match=r"1\.keras is damaged: rename it"):
        network.load(path)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(UserError, match=r"1\.keras is damaged: rename it"):
        network.load(path)
    with pytest.raises(FileNotFoundError):
        network.load(tmp_path / "2.keras")
