"""The arguments of the command ``catwalk``: its stages, their options and the valid values."""

import argparse
import re
from functools import cache
from typing import Any, NoReturn

from catwalk import __version__
from catwalk import option_values as values
from catwalk.core.given_path import expanded

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
SEEDED = ("all", "prepare", "search", "try", "predict", "report", "serve")
NAMING = ("all", "predict", "blend")
CHOOSING = ("report", "submit", "score", "reproduce")
SHARING = (*SEARCHING, "try", "dashboard")
WORKERS = "worker processes (default: one per core, as memory allows, or per GPU)"


class _Parser(argparse.ArgumentParser):
    """An argument parser that reports a mistake on one line."""

    def error(self, message: str) -> NoReturn:
        message = re.sub(r"//[^\s/]*@|pass\w*=[^\s&]*", "...", message)  # it may quote a URL with a password
        self.exit(2, f"{self.prog}: {message}: see {self.prog} --help\n")


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


def parser() -> argparse.ArgumentParser:
    return _parsers()[0]


@cache
def _parsers() -> tuple[argparse.ArgumentParser, "argparse._SubParsersAction[_Parser]"]:
    """The command's parser and the parsers of its stages."""
    made = _Parser(
        prog="catwalk", description="A pipeline for image classification competitions with CSV data."
    )
    made.add_argument("--version", action="version", version=__version__)
    stages = made.add_subparsers(dest="stage", required=True, metavar="stage", parser_class=_Parser)
    for name, what in STAGES.items():
        stage = stages.add_parser(name, help=what, description=what)
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
            _add_looking(stage)
        if name in SEEDED:
            stage.add_argument(
                "--seed",
                type=values.seed,
                default=1,
                help="random seed for the split, the sampler and the networks (%(default)s)",
            )
        if name in SEARCHING:
            _add_search(stage)
        if name in SHARING:
            _add_team(stage)
        if name in NAMING:
            stage.add_argument("--name", help="the new submission's name (default: time and hash)")
        if name in CHOOSING:
            stage.add_argument("--submission", help="the submission's name (default: the newest)")
        if name in OWN:
            OWN[name](stage)
    return made, stages


def _add_looking(stage: argparse.ArgumentParser) -> None:
    """Add what decides where the files leave a doubt; by default it is read from them."""
    stage.add_argument("--train", help="for a new competition: the file with the training data")
    stage.add_argument("--test", help="for a new competition: the test file, or the share to hold out (0.15)")
    stage.add_argument("--label", help="for a new competition: the label column's name, or first or last")
    stage.add_argument("--id", help="for a new competition: the test's id column")
    stage.add_argument(
        "--shape", help="for a new competition: of a picture: 28x28, 28x28x3; 3x28x28 if channel by channel"
    )
    stage.add_argument(
        "--transpose", type=str.lower, choices=("true", "false"),
        help="for a new competition: true where the pictures lie on their side",
    )  # fmt: skip


def _add_scope(stage: argparse.ArgumentParser) -> None:
    _add_features(stage)
    _add_models(stage, None)


def _add_features(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("--features", default="auto", help="auto, or pixels: raw pixels only (%(default)s)")


def _add_models(stage: argparse.ArgumentParser, default: str | None) -> None:
    from catwalk.models.space import MODELS

    usual = default or "dense; try, predict and report: those of the last search"
    stage.add_argument(
        "--models",
        choices=tuple(MODELS),
        default=default,
        help=f"networks to search: dense, conv (convolutional) or all ({usual})",
    )


def _add_team(stage: argparse.ArgumentParser) -> None:
    stage.add_argument(
        "--study", help="postgresql://user@host/database that a team shares (default: a local file)"
    )
    stage.add_argument("--member", help="your name in the team (default: user@host)")
    stage.add_argument(
        "--artifacts", type=expanded, help="a folder for the networks, which the whole team can access"
    )


def _add_serve(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("--host", default="127.0.0.1", help="the address to listen on (%(default)s)")
    stage.add_argument("--port", type=values.port, default=5433, help="the port to listen on (%(default)s)")
    _add_features(stage)
    _add_models(stage, "dense")


def _add_reproduce(stage: argparse.ArgumentParser) -> None:
    stage.add_argument(
        "recipe",
        type=expanded,
        nargs="?",
        help="path of a recipe <name>.json (default: that of --submission)",
    )
    stage.add_argument("--workers", type=values.workers, help=WORKERS)


def _add_blend(stage: argparse.ArgumentParser) -> None:
    stage.add_argument(
        "--parts",
        required=True,
        help="two or more, separated by commas: submissions' names, folders with test.npz, or CSVs",
    )


def _add_dashboard(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("--port", type=values.port, default=8080, help="the port on 127.0.0.1 (%(default)s)")


def _add_kernel(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("--user", help="your Kaggle user name (default: from the credentials)")
    stage.add_argument(
        "--accelerator",
        choices=("none", "gpu"),
        default="none",
        help="gpu: train on a GPU, which counts against your Kaggle quota (%(default)s)",
    )
    stage.add_argument(
        "--budget",
        type=values.budget,
        default="10m",
        help="time for the search on Kaggle (%(default)s)",
    )
    _add_models(stage, "dense")


def _add_grade(stage: argparse.ArgumentParser) -> None:
    stage.add_argument(
        "--submissions", type=expanded, required=True, help="a folder or a zip of all teams' files"
    )
    stage.add_argument(
        "--labels", type=expanded, help="a CSV of ids and true labels, or Kaggle's solution file"
    )
    stage.add_argument("--final", action="store_true", help="show the private scores as well")


def _add_course(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("--exercise", type=int, help="run only this exercise, 1 to 5")
    stage.add_argument(
        "--budget",
        type=values.budget,
        default="3m",
        help="time for the hackathon's search (%(default)s)",
    )
    _add_models(stage, "dense")


def _add_search(stage: argparse.ArgumentParser) -> None:
    _add_scope(stage)
    stage.add_argument(
        "--budget",
        type=values.duration,
        help="total wall-clock time of the search: 90s, 10m, 2h (10m)",
    )
    stage.add_argument(
        "--trials",
        type=values.count,
        help="total number of finished trials, instead of the default budget",
    )
    stage.add_argument("--workers", type=values.workers, help=WORKERS)
    stage.add_argument(
        "--folds",
        choices=("auto", "1", "5", "10"),
        default="auto",
        help="5 or 10: train the best in folds after the search, so that all labelled rows validate "
        "(auto: 1, none; predict and report: those of the last search)",
    )
    stage.add_argument(
        "--until", help="a time today, such as 14:40, by which prediction and report must finish"
    )


def _add_submit(stage: argparse.ArgumentParser) -> None:
    stage.add_argument(
        "--to", help="slug or address of the Kaggle competition (default: the TOML's), or openhpi"
    )
    stage.add_argument("--assignment", help="with --to openhpi: the exercise's id (token: OPENHPI_TOKEN)")
    stage.add_argument("--dry", action="store_true", help="show what would be sent, but send nothing")
    stage.add_argument("--yes", action="store_true", help="don't ask for confirmation")
    stage.add_argument("--force", action="store_true", help="send a file even if it was sent before")


def _add_try(stage: argparse.ArgumentParser) -> None:
    """Add an option for each parameter of the search space; ``--widths`` also sets the depth."""
    from catwalk.models.space import SPACE

    _add_scope(stage)
    stage.add_argument(
        "--widths", type=values.widths, help="units of up to three hidden layers, such as 512,256; 0 for none"
    )
    for name, (kind, bounds) in SPACE.items():
        if name == "depth" or name.startswith("width_"):
            continue
        if kind == "one of":
            what, value = f"one of {', '.join(map(str, bounds))}", type(bounds[0])
        else:
            what, value = f"from {bounds[0]} to {bounds[1]}", int if kind == "log size" else float
        stage.add_argument(f"--{name.replace('_', '-')}", type=value, help=what)


# Stages with options of their own.
OWN = {
    "try": _add_try,
    "submit": _add_submit,
    "kernel": _add_kernel,
    "grade": _add_grade,
    "course": _add_course,
    "serve": _add_serve,
    "dashboard": _add_dashboard,
    "reproduce": _add_reproduce,
    "blend": _add_blend,
}
