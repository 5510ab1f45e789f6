"""Slide: one slide of the talk, with a title of one line and notes that can be spoken in its seconds.

Where they depend on data, ``fitted`` and ``told`` choose the longest text that fits. A user always gets a
talk; it is a test that holds all slides to these rules (tests/report/test_talk.py).
"""

import re
from dataclasses import dataclass
from typing import Any

from catwalk.report.formatting import as_markdown

TITLE_LENGTH = 64  # characters: one line
WORDS_A_SECOND = 2.5


@dataclass(frozen=True)
class Slide:
    """One slide.

    Attributes:
        name: what the template and the anchors call it.
        seconds: of the three minutes.
        title: the finding.
        source: the records behind it, for the footer.
        notes: what to say.
        figures: names in figures.py, each with its alternative text.
        facts: (number, what it is, what to do about it or ""), where the template shows some.
    """

    name: str
    seconds: int
    title: str
    source: str
    notes: str
    figures: tuple[tuple[str, str], ...] = ()
    facts: tuple[tuple[str, str, str], ...] = ()

    def markdown(self) -> Any:
        """The slide's text as Markdown, for a notebook."""
        from IPython.display import Markdown

        told = [f"## {as_markdown(self.title)}", as_markdown(self.notes)]
        told += [
            f"- **{number}** {as_markdown(what)}{': ' + then if then else ''}"
            for number, what, then in self.facts
        ]
        words = "\n\n".join(told[:2]) + "\n\n" + "\n".join(told[2:])
        return Markdown(words)  # type: ignore[no-untyped-call]


def words_spoken(notes: str) -> int:
    """How many words are spoken: a number is more than one, "94.7%" is "ninety-four point seven percent"."""
    notes = re.sub(r"(?<=\d),000\b", " thousand", notes)
    return len(re.findall(r"\d|%|(?<=\d)\.(?=\d)|[^\W\d_]+(?:['-][^\W\d_]+)*", notes))


def told(seconds: int, *candidates: str) -> str:
    """The first of these notes that can be spoken in the time, the longest first."""
    fits = (one for one in candidates if words_spoken(one) <= WORDS_A_SECOND * seconds)
    return next(fits, candidates[-1]).strip()


def fitted(*candidates: str) -> str:
    """The first candidate that is short enough for a title."""
    return next((one for one in candidates if len(one) <= TITLE_LENGTH), candidates[-1][:TITLE_LENGTH])
