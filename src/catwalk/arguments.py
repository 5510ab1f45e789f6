"""The arguments of the command ``catwalk``: its stages, and the options that several of them have."""

import argparse
from functools import cache
from typing import Any, NoReturn

from catwalk import __version__, stage_arguments
from catwalk import option_values as values
from catwalk.core.errors import LINE, shown, without_url_passwords

STAGES = {
    "all": "the whole pipeline: data, prepare, search, predict, report",
    "new": "look at a new competition's files, and write its TOML",
    "data": "download the competition's CSVs, or copy them from a folder",
    "prepare": "convert the CSVs to arrays, split train and validation, hide the test labels until scoring",
    "search": "search for good networks until the budget or the number of trials is reached",
    "try": "train one network of your choice, as a trial of the study (docs/usage.md explains each option)",
    "predict": "average the best networks and write the submission's CSV",
    "report": "make the talk (HTML, PDF) and the notebook that show the results",
    "submit": "upload a submission to Kaggle, and wait for its score",
    "kaggle": "show which credential the Kaggle client would use, and where it comes from",
    "kernel": "write a Kaggle notebook that runs the pipeline there, and print how to push it",
    "wheel": "build catwalk's wheel, and the notebook that contains it, in dist/",
    "score": "score a submission on the test labels, hidden until now (each look is logged)",
    "blend": "join submissions, also teammates' files, into a new one",
    "reproduce": "retrain a submission's networks from its recipe, and compare",
    "leaderboard": "compare all submissions in a table",
    "serve": "run the PostgreSQL server in which a team shares its study, until Ctrl-C",
    "dashboard": "show the study in the browser with optuna-dashboard, until Ctrl-C",
    "grade": "score every team's CSV: leaderboard and grades (for the instructor)",
    "course": "execute the notebooks of the five course exercises, each once",
}
OTHER_NAMES = {"user": "KAGGLE_USER"}  # options whose variable has another name
SEARCHING = ("all", "search", "predict", "report")
MAKING = ("all", "data", "prepare", "search", "try", "predict", "report", "reproduce", "blend")
LOOKING = ("new", "all")  # at a competition that has no TOML yet
SEEDED = ("all", "prepare", "search", "try", "predict", "report", "serve", "kernel")
NAMING = ("all", "predict", "blend")
CHOOSING = ("report", "submit", "score", "reproduce")
SHARING = (*SEARCHING, "try", "dashboard")
TRAINING = (*SEARCHING, "try", "reproduce", "course")  # meanwhile a Mac is kept awake


class _Parser(argparse.ArgumentParser):
    """An argument parser that reports a mistake on one line."""

    def error(self, message: str) -> NoReturn:
        begin, end = f"{self.prog}: ", f": see {self.prog} --help"
        said = shown(without_url_passwords(message), LINE - len(begin + end))  # it quotes what was given
        self.exit(2, f"{begin}{said}{end}\n")


def variable(option: str) -> str:
    """The Makefile variable for an option: "input-dropout" is INPUT_DROPOUT."""
    return OTHER_NAMES.get(option, option.replace("-", "_").upper())


def option(variable: str) -> str:
    """The option for a Makefile variable."""
    others = {name: one for one, name in OTHER_NAMES.items()}
    return others.get(variable, variable.replace("_", "-").lower())


def defaults(stage: str) -> dict[str, Any]:
    """The variables that a stage accepts, with their defaults; empty if there is no such stage."""
    _, stages = _parsers()
    if stage not in stages.choices:
        return {}
    made = stages.choices[stage]
    names = [text[2:] for action in made._actions for text in action.option_strings if text[:2] == "--"]
    return {variable(name): made.get_default(name.replace("-", "_")) for name in names if name != "help"}


def parse(given: list[str] | None) -> argparse.Namespace:
    """The options of a command line; None: this process's. A mistake ends the process.

    Of an argument that a stage does not know, argparse would name the help of the command, not of the stage.
    """
    made, stages = _parsers()
    options, unknown = made.parse_known_args(given)
    if unknown:
        stages.choices[options.stage].error(f"unrecognized arguments: {' '.join(unknown)}")
    return options


@cache
def _parsers() -> tuple[argparse.ArgumentParser, "argparse._SubParsersAction[_Parser]"]:
    """The command's parser and the parsers of its stages."""
    made = _Parser(
        prog="catwalk",
        description="A pipeline for image classification competitions with CSV data.",
        allow_abbrev=False,  # the commands that messages advise would lose such an option
    )
    made.add_argument("--version", action="version", version=__version__)
    stages = made.add_subparsers(dest="stage", required=True, metavar="stage", parser_class=_Parser)
    for name, what in STAGES.items():
        stage = stages.add_parser(name, help=what, description=what, allow_abbrev=False)
        stage.add_argument(
            "--competition", default="fashion-mnist", help="a name in competitions/ (%(default)s)"
        )
        if name in (*MAKING, "new"):
            stage.add_argument(
                "--source",
                default="auto",
                help="auto, kaggle, debian, keras, sklearn, a folder, a zip, or for a new competition also "
                "a CSV or Kaggle's address (%(default)s)",
            )
        if name in LOOKING:
            stage_arguments.add_looking(stage)
        if name in SEEDED:
            stage.add_argument(
                "--seed",
                type=values.seed,
                default=1,
                help="random seed for the split, the sampler and the networks (%(default)s)",
            )
        if name in SEARCHING:
            stage_arguments.add_search(stage)
        if name in SHARING:
            stage_arguments.add_team(stage)
        if name in NAMING:
            stage.add_argument("--name", help="the new submission's name (default: time and hash)")
        if name in CHOOSING:
            usual = "the newest; for report, the newest that is not a blend"
            stage.add_argument("--submission", help=f"the submission's name (default: {usual})")
        if name in stage_arguments.OWN:
            stage_arguments.OWN[name](stage)
    return made, stages
