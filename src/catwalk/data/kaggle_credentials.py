"""Kaggle credentials: finds those in the files and environment variables that the official client reads."""

import base64
import contextlib
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catwalk.core.errors import UserError

SETTINGS = "https://www.kaggle.com/settings"
LOGIN = "OAuth login"  # the kind of credential that kaggle auth login makes
# Names that browsers and editors give to kaggle.json.
LOOKS_ALIKE = re.compile(r"kaggle.*\.json(\.\w+)?", re.IGNORECASE)
MOST = 20_000  # characters of a file that may hold a credential
# As copied from a script: "KGAT_...", or export KAGGLE_API_TOKEN=KGAT_...
MORE_THAN_A_TOKEN = re.compile(r"[\s\"'\u201c\u201d]|KAGGLE_API_TOKEN")
NEW = "KGAT_"  # access tokens begin like this, API keys do not
LOOKS_SECRET = re.compile(r"KGAT_\w+|\b[0-9a-f]{32,}\b")


@dataclass(frozen=True)
class Credential:
    """A Kaggle credential that is set up here, without its secret value.

    Attributes:
        kind: its name in messages.
        where: the file or variables.
        fault: why the client can't use it; empty if it can.
    """

    kind: str
    where: str
    fault: str = ""


def credentials() -> list[Credential]:
    """All credentials that are set up here, in the order that the client tries them."""
    home, keys = Path.home() / ".kaggle", folder() / "kaggle.json"
    found = [Credential("access token", where, _fault(value)) for where, value in _tokens()]
    variables = [name for name in ("KAGGLE_USERNAME", "KAGGLE_KEY") if os.environ.get(name)]
    if len(variables) == 2:
        found.append(Credential("API key", " and ".join(variables)))
    mixed = f" with {variables[0]}" if len(variables) == 1 else ""
    if keys.is_file():
        given = {name.removeprefix("KAGGLE_").lower(): os.environ[name] for name in variables}
        whole = isinstance(content := _json(keys), dict) and _is_key({**content, **given})
        found.append(Credential("API key", f"{keys}{mixed}", "" if whole else "is damaged"))
    elif mixed:
        other = "KAGGLE_KEY" if variables == ["KAGGLE_USERNAME"] else "KAGGLE_USERNAME"
        found.append(Credential("API key", variables[0], f"needs {other} too"))
    if (login := home / "credentials.json").is_file():
        whole = isinstance(content := _json(login), dict) and bool(content.get("refresh_token"))
        found.append(Credential(LOGIN, str(login), "" if whole else "is damaged"))
    if home != keys.parent and _is_key(_json(home / "kaggle.json")):
        found.append(Credential("API key", str(home / "kaggle.json")))
    return found


def usable() -> list[Credential]:
    """The credentials that the client can use; it uses the first one."""
    return [one for one in credentials() if not one.fault]


def check() -> None:
    """Check for an invalid access token, which the client would prefer to valid credentials.

    Raises:
        UserError: an access token is really the text of kaggle.json, contains quotes or spaces, or is in the
            place of an API key.
    """
    for where, value in _tokens():
        if _is_key(_parsed(value)):
            raise UserError(
                f"{_fault(value)}, not an access token", where=_short(where), fix=_fix_of_mixed(where)
            )
        if MORE_THAN_A_TOKEN.search(value):
            fix = "set it to" if where == "KAGGLE_API_TOKEN" else "save only"
            raise UserError(_fault(value), where=_short(where), fix=f"{fix} the token itself")
        if value:
            return
    if os.environ.get("KAGGLE_USERNAME") and (key := os.environ.get("KAGGLE_KEY")):
        if key.startswith(NEW):
            raise UserError(
                "is an access token", where="KAGGLE_KEY", fix="set KAGGLE_API_TOKEN to it instead"
            )
        return  # the client then uses nothing of kaggle.json
    content = _json(folder() / "kaggle.json")
    if isinstance(content, dict) and str(content.get("key", "")).startswith(NEW):
        raise UserError(
            "its key is an access token",
            where=_short(folder() / "kaggle.json"),
            fix="save only the token as ~/.kaggle/access_token",
        )


def _fix_of_mixed(where: str) -> str:
    """The fix if the text of kaggle.json was stored where an access token belongs."""
    target = Path.home() / ".kaggle" / "kaggle.json"
    if where == "KAGGLE_API_TOKEN":
        first = "" if target.is_file() else f"save the text as {_short(target)}, then "
        return f"{first}unset KAGGLE_API_TOKEN"
    if where.startswith("KAGGLE_API_TOKEN"):
        named = Path(os.environ["KAGGLE_API_TOKEN"])
        first = "" if target.is_file() else f"{_copy(named)}, then "
        return f"{first}unset KAGGLE_API_TOKEN"
    other = target if not target.exists() else Path(f"{where}.old")
    return f"rename it: mv -n {_typed(Path(where))} {_typed(other)}"


def how_to_get() -> str:
    """How to get a credential: copy a key that was found elsewhere, or get a token."""
    target = Path.home() / ".kaggle" / "kaggle.json"
    near = look_alikes()
    if near and not target.exists():
        return f"copy the key that was found: {_copy(near[0])}"
    if near:
        return f"{_short(target)} is damaged: rename it, and copy {_short(near[0])} there"
    return f'get one at {SETTINGS} ("Generate New Token"), and save it as ~/.kaggle/access_token'


def _copy(source: Path) -> str:
    """The shell command that copies a key to where the client looks for it."""
    made = "" if (Path.home() / ".kaggle").is_dir() else "mkdir -p ~/.kaggle && "
    return f"{made}cp -n {_typed(source)} ~/.kaggle/kaggle.json"


def _typed(path: Path) -> str:
    """A path as typed in a shell in the current folder."""
    if path.is_relative_to(Path.home()):
        return f"~/{shlex.quote(str(path.relative_to(Path.home())))}"
    return shlex.quote(str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path))


def look_alikes() -> list[Path]:
    """Files with a key that the client does not find because of their name or folder; newest first."""
    home, used = Path.home(), {folder() / "kaggle.json", Path.home() / ".kaggle" / "kaggle.json"}
    places = {home / ".kaggle", home / "Downloads", folder(), _xdg(), Path.cwd()}
    found: dict[Path, float] = {}
    for place in places:
        with contextlib.suppress(OSError):
            for path in place.iterdir():
                named = LOOKS_ALIKE.fullmatch(path.name) and path.is_file() and path not in used
                if named and _is_key(_json(path)):
                    found[path] = path.stat().st_mtime
    return sorted(found, key=lambda path: (-found[path], path))


def _tokens() -> Iterator[tuple[str, str]]:
    """Access tokens that are set up, in the client's order: where, and the value."""
    in_notebook = {"KAGGLE_KERNEL_RUN_TYPE", "KAGGLE_DATA_PROXY_URL"} <= os.environ.keys()
    own = os.environ.get("KAGGLE_API_V1_TOKEN")  # the file of a Kaggle notebook's own token
    if in_notebook and own and (value := _text(Path(own))):
        yield own, value
    if given := os.environ.get("KAGGLE_API_TOKEN"):
        is_file = False
        with contextlib.suppress(OSError, ValueError):
            is_file = Path(given).is_file()
        yield (f"KAGGLE_API_TOKEN, {given}", _text(Path(given))) if is_file else ("KAGGLE_API_TOKEN", given)
    for name in ("access_token", "access_token.txt"):
        if (path := Path.home() / ".kaggle" / name).is_file():
            yield str(path), _text(path)


def _fault(token: str) -> str:
    if not token:
        return "is empty or unreadable"
    if _is_key(_parsed(token)):
        return "holds the text of kaggle.json"
    return (
        "contains more than the token: quotes, spaces or the variable's name"
        if MORE_THAN_A_TOKEN.search(token)
        else ""
    )


def _text(path: Path) -> str:
    """The text of a small file; empty if it can't be read."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.read(MOST).strip()
    except (OSError, ValueError):
        return ""


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _json(path: Path) -> Any:
    """The content of a JSON file; None if it can't be read."""
    return _parsed(_text(path))


def _is_key(content: Any) -> bool:
    return isinstance(content, dict) and bool(content.get("username")) and bool(content.get("key"))


def client_command(root: Path) -> str:
    """The command that runs Kaggle's client from ``root``; it may not be on the PATH."""
    beside = Path(sys.executable).with_name("kaggle")  # in .venv, as a rule
    if beside.is_file():
        return shlex.quote(str(beside.relative_to(root) if beside.is_relative_to(root) else beside))
    return "kaggle" if shutil.which("kaggle") else f"{shlex.quote(sys.executable)} -m kaggle"


def user_name() -> str | None:
    """The user's name on Kaggle, if the files and variables contain it."""
    if os.environ.get("KAGGLE_USERNAME"):
        return os.environ["KAGGLE_USERNAME"]
    for path in (folder() / "kaggle.json", Path.home() / ".kaggle" / "credentials.json"):
        content = _json(path)
        if isinstance(content, dict) and content.get("username"):
            return str(content["username"])
    return None


def without_secrets(text: str) -> str:
    """A text in which all secrets that are set up here, and whatever looks like one, are masked."""
    names = "KAGGLE_KEY", "KAGGLE_API_TOKEN"
    secrets = {os.environ.get(name, "") for name in names} | {value for _, value in _tokens()}
    for path in (folder() / "kaggle.json", *(Path.home() / ".kaggle").glob("*.json")):
        if isinstance(content := _json(path), dict):
            secrets |= {str(content.get(name, "")) for name in ("key", "refresh_token", "access_token")}
    user = user_name() or ""
    secrets |= {base64.b64encode(f"{user}:{secret}".encode()).decode() for secret in secrets if secret}
    for secret in sorted((one for one in secrets if len(one) > 3), key=len, reverse=True):
        text = text.replace(secret, "***")
    return LOOKS_SECRET.sub("***", text)


def folder() -> Path:
    """The folder where the client looks for kaggle.json."""
    home = Path.home() / ".kaggle"
    if os.environ.get("KAGGLE_CONFIG_DIR"):
        return Path(os.environ["KAGGLE_CONFIG_DIR"])
    return _xdg() if not home.is_dir() and sys.platform.startswith("linux") else home


def _xdg() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "kaggle"


def _short(path: Path | str) -> str:
    """A path with ~ for the home folder."""
    return str(path).replace(f"{Path.home()}{os.sep}", f"~{os.sep}")


def described() -> list[str]:
    """Lines for the user: which credential is used, which others are set up, and how to get one."""
    found = usable()
    lines = [
        f"kaggle: the {one.kind} from {one.where} is not used: it {one.fault}"
        for one in credentials()
        if one.fault
    ]
    if found:
        first, *others = found
        lines.insert(0, f"kaggle: the {first.kind} from {first.where} is used")
        return lines + [f"  also set up, but not used: {one.kind} from {one.where}" for one in others]
    lines.append(
        "kaggle: no credential is set up: public datasets can be downloaded, but nothing can be submitted"
    )
    return [*lines, f"  {how_to_get()}"]
