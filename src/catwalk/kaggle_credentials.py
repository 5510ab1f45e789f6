"""Which Kaggle credentials are set up here, by the files and variables that the official client reads."""

import contextlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Credential:
    """A way to log in to Kaggle that is set up here; its value is nowhere in it."""

    kind: str
    where: str


def credentials() -> list[Credential]:
    """All credentials that are set up here, in the order in which the client tries them."""
    home, folder = Path.home() / ".kaggle", _folder()
    found = []
    if os.environ.get("KAGGLE_API_TOKEN"):
        found.append(Credential("access token", "KAGGLE_API_TOKEN"))
    tokens = [path for path in (home / "access_token", home / "access_token.txt") if path.is_file()]
    found += [Credential("access token", str(path)) for path in tokens]
    variables = [name for name in ("KAGGLE_USERNAME", "KAGGLE_KEY") if os.environ.get(name)]
    if len(variables) == 2:
        found.append(Credential("API key", " and ".join(variables)))
    if (folder / "kaggle.json").is_file():
        mixed = f" with {variables[0]}" if len(variables) == 1 else ""
        broken = "" if _is_key(folder / "kaggle.json") else ", which is damaged and so not used"
        found.append(Credential("API key", f"{folder / 'kaggle.json'}{mixed}{broken}"))
    if (home / "credentials.json").is_file():
        found.append(Credential("OAuth login", str(home / "credentials.json")))
    return found


def usable() -> list[Credential]:
    """Those of them that are not damaged; the first is the one that is used."""
    return [one for one in credentials() if not one.where.endswith("not used")]


def _is_key(path: Path) -> bool:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and {"username", "key"} <= content.keys()


def user_name() -> str | None:
    """The user's name on Kaggle, as far as the files and variables here tell."""
    if os.environ.get("KAGGLE_USERNAME"):
        return os.environ["KAGGLE_USERNAME"]
    for path in (_folder() / "kaggle.json", Path.home() / ".kaggle" / "credentials.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return str(json.loads(path.read_text(encoding="utf-8"))["username"])
    return None


def _folder() -> Path:
    """Where the client looks for kaggle.json."""
    home = Path.home() / ".kaggle"
    if os.environ.get("KAGGLE_CONFIG_DIR"):
        return Path(os.environ["KAGGLE_CONFIG_DIR"])
    if not home.is_dir() and sys.platform.startswith("linux"):
        return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "kaggle"
    return home


def described() -> list[str]:
    """For people: which credential is used, and which others are set up but not used."""
    found = usable()
    lines = [f"kaggle: {one.kind} from {one.where}" for one in credentials() if one not in found]
    if not found:
        return [*lines, "kaggle: no credential is set up: public datasets can be downloaded, nothing can be "
                "submitted; make a token at https://www.kaggle.com/settings and put it into "
                "~/.kaggle/access_token"]  # fmt: skip
    first, *others = found
    lines.insert(0, f"kaggle: the {first.kind} from {first.where} is used")
    return lines + [f"  also set up, but not used: {one.kind} from {one.where}" for one in others]
