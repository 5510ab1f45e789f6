"""Command hints: completes the commands in messages so that they can be copied and run.

Messages name a command as ``make search TRIALS=20``. Before a line is printed, the user's other
variables (``COMPETITION=``, ``SEED=``, ``STUDY=`` ...) are added, if the target accepts them; without a
Makefile, the command ``catwalk search --trials 20`` replaces it, and in the notebook for Kaggle and Colab
what to write in its first cell.
"""

import json
import re
import shlex
from pathlib import Path

from catwalk import arguments
from catwalk.core import advice, terminal

COMMAND = re.compile(r"\bmake ([a-z]+)((?: [A-Z_]+=(?:'[^']*'|<[^>]*>|[^\s,;()']*[^\s,;:()'.]))*)(?![\w-])")
VARIABLE = re.compile(r"([A-Z_]+)=('[^']*'|<[^>]*>|\S+)")
# Never repeated: a submission's own name, a time that may be past, and options that send or show more.
NEVER = {"NAME", "UNTIL", "DRY", "YES", "FORCE", "FINAL"}

CHOICE = re.compile(r"\bset (TRAIN|TEST|LABEL|ID|SHAPE)=(?: to one of ([^,]*)(,?))?")
NOTEBOOK = terminal.NOTEBOOK

_given: dict[str, str] = {}


def remember(command: list[str]) -> None:
    """Remember which variables of this command differ from their defaults."""
    _given.clear()
    stage, *words = command or [""]
    defaults = arguments.defaults(stage)
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        if not name.startswith("--") or arguments.variable(name[2:]) not in defaults:
            continue
        value = value if equals else next(iter(words[place + 1 :]), "")
        variable = arguments.variable(name[2:])
        if variable not in NEVER and value != str(defaults[variable]):
            _given[variable] = value


def add(variable: str, value: str) -> None:
    """Remember a variable that the command follows though it was not given."""
    _given[variable] = value


def say(line: str) -> None:
    """Print a line with the user's variables added to each command in it."""
    print(completed(line), flush=True)


def completed(text: str) -> str:
    """Return ``text`` with the user's variables added to each command in it."""
    completed = COMMAND.sub(_complete, text)
    if not in_notebook():
        return completed
    return CHOICE.sub(_decide, completed).replace(advice.RUN_AGAIN, "run all cells again")


def in_notebook() -> bool:
    """Whether a notebook's first cell gives the variables."""
    return terminal.is_notebook()


def decided(variable: str, value: str) -> str:
    """How the notebook's first cell decides what a new competition's files leave in doubt.

    What it decides already is repeated, for the line is copied over the one that is there.
    """
    from catwalk.data import toml_choices

    before = {name: _given[name] for name in toml_choices.CHOICES if name in _given}
    return f"set DECIDE = {json.dumps(before | {variable: value}, ensure_ascii=False)} in the first cell"


def _decide(found: "re.Match[str]") -> str:
    variable, first, more = found.groups()
    return decided(variable, first or "...") + (f", or one of {first}," if more else "")


def _complete(found: "re.Match[str]") -> str:
    stage = found[1]
    if stage not in arguments.STAGES:  # as in "make room on the disk"
        return found[0]
    said = {name: value.strip("'") for name, value in VARIABLE.findall(found[2])}
    if in_notebook():
        set_there = ", ".join(f'{name} = "{value}"' for name, value in said.items())
        return f"{set_there} in the first cell" if said else "all cells"
    taken = set(arguments.defaults(stage))
    if stage == "all":  # they decide a new TOML, which is there by then
        from catwalk.data import toml_choices

        taken -= set(toml_choices.CHOICES)
    variables = {name: value for name, value in _given.items() if name in taken} | said
    if Path("Makefile").is_file():
        return " ".join(["make", stage, *(f"{name}={_quoted(value)}" for name, value in variables.items())])
    words = [f"--{arguments.option(name)} {_quoted(value)}" for name, value in variables.items()]
    return " ".join(["catwalk", stage, *words])


def _quoted(value: str) -> str:
    """Quote a value for the shell, except a placeholder such as <name>."""
    return value if re.fullmatch(r"<[^>]*>|\.\.\.", value) else shlex.quote(value)
