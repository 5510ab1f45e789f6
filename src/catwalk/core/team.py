"""The team: a study that several machines share, and this machine's name in it."""

import getpass
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from catwalk.core import macos
from catwalk.core.errors import UserError

SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
SAFER = (
    "leave it out, and put it into ~/.pgpass or PGPASSWORD, or type it when asked; "
    "also change it, because other users of this machine may have seen it"
)


@dataclass(frozen=True)
class Team:
    """Where the shared study is, and the name under which this machine works on it.

    Attributes:
        url: of a PostgreSQL database, without a password: "postgresql://user@host:port/database".
        member: stored with each trial that is run here.
        artifacts: a folder that all machines can access, for the networks; None: there is none.
    """

    url: str
    member: str
    artifacts: Path | None = None

    @classmethod
    def from_options(cls, url: str | None, member: str | None, artifacts: Path | None) -> "Team | None":
        """The team that STUDY=, MEMBER= and ARTIFACTS= describe; None if the study is local.

        Raises:
            UserError: the URL is not a PostgreSQL URL, or contains a password; the member's name is not
                valid as a folder's.
        """
        if url is None:
            for value, variable in ((member, "MEMBER"), (artifacts, "ARTIFACTS")):
                if value is not None:
                    raise UserError(f"{variable}= needs a shared study", fix="set STUDY=postgresql://... too")
            return None
        if artifacts is not None and not artifacts.is_dir():
            raise UserError(
                "no such folder",
                where=f"ARTIFACTS={artifacts}",
                fix="choose one that all machines can access, or create it",
            )
        chosen = member or _user_at_host()
        if not re.fullmatch(r"\w[\w.@-]{0,63}", chosen):
            raise UserError(
                f"MEMBER={chosen[:70]} is not a valid name",
                fix="use up to 64 letters, digits, '-', '_', '.' and '@'",
            )
        return cls(_checked(url), chosen, artifacts)


def _checked(url: str) -> str:
    """The URL as SQLAlchemy expects it; errors never show it, because it may contain a password."""
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError:
        raise UserError(
            "STUDY= is not a URL", fix="write it as postgresql://user@host:5432/database"
        ) from None
    asked = " ".join(name for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    # A "/" in a password ends what urlsplit takes for user and host, and the "@" comes after it.
    is_split = "@" not in parts.netloc and "@" in parts.path + parts.query + parts.fragment
    if parts.password is not None or is_split or "pass" in asked.lower():
        raise UserError("STUDY= contains a password", fix=SAFER)
    named = parts.hostname and parts.path.strip("/")
    if parts.scheme not in SCHEMES or not named or port <= 0:
        raise UserError(
            "STUDY= must be a PostgreSQL database, such as postgresql://user@host:5432/database",
            fix="run make serve to start one; without STUDY= the study is an SQLite file in this folder",
        )
    return parts._replace(scheme="postgresql+psycopg").geturl()


def _user_at_host() -> str:
    """user@host, as far as the system knows the two names."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # neither environment nor password file name one
        user = "someone"
    # On a Mac, gethostname changes with the network: in each it would be another member.
    host = macos.output("scutil", "--get", "LocalHostName") or socket.gethostname()
    return re.sub(r"[^\w.@-]", "-", f"{user}@{host}").lstrip("-.@")[:64]
