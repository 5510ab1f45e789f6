"""Names on Kaggle: a competition or a dataset, given by its name or its page's address."""

import re
from dataclasses import dataclass

from catwalk.core import given_path
from catwalk.core.errors import UserError, without_url_passwords
from catwalk.data.competition import Competition
from catwalk.data.toml_keys import SOURCES

SITE = "https://www.kaggle.com"
LONGEST = 80  # characters of a competition's name; Kaggle's are shorter
# Some have names such as GiveMeSomeCredit and Kannada-MNIST; all others are in lower case.
SLUG = r"[a-z0-9]+(?:-[a-z0-9]+)*|(?=[\w-]*[A-Z][\w-]*[A-Z])[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
OWNER = r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
# What addresses begin with; an old one of a dataset begins with its owner instead.
SECTIONS = {
    "c", "code", "competitions", "datasets", "discussion", "discussions", "kernels", "learn", "models",
    "organizations", "rankings", "t", "work",
}  # fmt: skip
ADDRESS = re.compile(r"(?:https?:)?(?://)?(?:[a-z]+\.)?kaggle\.com/([^?#]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Page:
    """A competition or a dataset on Kaggle.

    Attributes:
        name: of a competition its slug, of a dataset "owner/slug".
        kind: "competition" or "dataset".
        given: the variable, or the TOML's key, that names it.
    """

    name: str
    kind: str
    given: str

    @property
    def address(self) -> str:
        return f"{SITE}/{self.kind}s/{self.name}"

    @property
    def rules(self) -> str:
        return f"{self.address}/rules"


def of_data(competition: Competition) -> Page:
    """The Kaggle page of a competition's data, from [sources] in its TOML.

    Raises:
        UserError: it is not a valid name on Kaggle.
        KeyError: the TOML names no page on Kaggle.
    """
    toml, given = f"competitions/{competition.name}.toml", competition.sources
    if "kaggle_dataset" in given:
        return dataset(given["kaggle_dataset"], f"{toml}, kaggle_dataset")
    return contest(given["kaggle_competition"], f"{toml}, kaggle_competition")


def of_submissions(competition: Competition, to: str | None) -> Page | None:
    """The Kaggle competition that takes the submissions: ``to``, else the TOML's; None if there is none.

    Raises:
        UserError: it is not a valid name of a competition.
    """
    if to is not None:
        return contest(to, "TO=")
    if competition.kaggle_competition is None:
        return None
    return contest(competition.kaggle_competition, f"competitions/{competition.name}.toml, competition")


def contest(text: str, given: str) -> Page:
    """A competition, by its name or by the address of any of its pages.

    Args:
        text: "digit-recognizer", or "https://www.kaggle.com/competitions/digit-recognizer/data".
        given: where the text comes from, for errors: a variable, or a TOML key.

    Raises:
        UserError: it is not a valid name of a competition.
    """
    parts = _parts(text)
    if parts and parts[0] in ("datasets", "t"):
        what = {
            "datasets": "a dataset, which has no leaderboard",
            "t": "an invitation link: open it and join",
        }
        raise UserError(
            f"{_quoted(text)} is {what[parts[0]]}",
            where=given,
            fix=f"give the competition's own address, {SITE}/competitions/<name>",
        )
    name = parts[1] if parts and parts[0] in ("competitions", "c") and len(parts) > 1 else text.strip()
    if len(name) > LONGEST or not re.fullmatch(SLUG, name):
        near = "" if "/" in name else re.sub(r"[^a-z0-9]+", "-", name.lower())
        raise _invalid_name(text, given, "competition", "<name>", near)
    return Page(name, "competition", given)


def dataset(text: str, given: str) -> Page:
    """A dataset, by "owner/slug" or by the address of any of its pages; otherwise like ``contest``."""
    parts = _of_dataset(_parts(text))
    name = "/".join(parts[:2]) if parts else text.strip()
    if len(name) > 2 * LONGEST or not re.fullmatch(f"{OWNER}/(?:{SLUG})", name):
        raise _invalid_name(text, given, "dataset", "<owner>/<name>", "")
    return Page(name, "dataset", given)


def page(text: str, given: str) -> Page:
    """A competition or a dataset, by its address, its slug, or a dataset's "owner/slug".

    Raises:
        UserError: it is none of these.
    """
    parts = _parts(text)
    is_dataset = parts[0] == "datasets" or bool(_of_dataset(parts)) if parts else "/" in text
    return dataset(text, given) if is_dataset else contest(text, given)


def is_address(text: str) -> bool:
    """Whether a text is the address of a page on Kaggle."""
    return ADDRESS.match(text.strip()) is not None


def source_of(source: str, competition: Competition) -> str:
    """SOURCE=, or "kaggle" where it is the address or slug of the competition's own page there."""
    is_given = source in ("auto", *SOURCES) or given_path.expanded(source).exists()
    if is_given or not competition.sources.keys() & {"kaggle_dataset", "kaggle_competition"}:
        return source
    try:
        is_own = page(source, "SOURCE=").name == of_data(competition).name
    except UserError:
        return source
    return "kaggle" if is_own else source


def _parts(text: str) -> list[str]:
    """The path components of an address on Kaggle; empty if the text is not one."""
    found = ADDRESS.match(text.strip())
    return [part for part in found[1].split("/") if part] if found else []


def _of_dataset(parts: list[str]) -> list[str]:
    """The parts of a dataset's address from its owner on; empty if it is another page's."""
    if parts and parts[0] == "datasets":
        return parts[1:]
    return parts if len(parts) > 1 and parts[0] not in SECTIONS else []


def _invalid_name(text: str, given: str, kind: str, form: str, near: str) -> UserError:
    guess = near.strip("-")
    near = f"; perhaps {guess}" if re.fullmatch(SLUG, guess) and len(guess) <= 40 else ""
    return UserError(
        f"{_quoted(text)} is not the name of a {kind} on Kaggle",
        where=given,
        fix=f"take it from the page's address, {SITE}/{kind}s/{form}{near}",
    )


def _quoted(text: str) -> str:
    """A text as shown in messages: short, without control characters or a URL's password."""
    text = without_url_passwords(text)
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
