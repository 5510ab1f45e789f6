"""given_path.py: ``~`` is the home folder, and nobody's is no error."""

from pathlib import Path

from catwalk.core import given_path


def test_a_home_folder() -> None:
    assert given_path.expanded("~/x.csv") == Path.home() / "x.csv"
    assert given_path.expanded("x/~.csv") == Path("x/~.csv")


def test_an_unknown_user_s() -> None:
    """``Path.expanduser`` raises a RuntimeError here."""
    assert given_path.expanded("~nobody-of-this-name/x.csv") == Path("~nobody-of-this-name/x.csv")
