"""Stage arguments: the options of single stages, and of a few with the same purpose."""

import argparse

from catwalk import option_values as values
from catwalk.core.given_path import expanded

WORKERS = "worker processes (default: one per core, as memory allows, or per GPU)"
PARTS = "two or more, separated by commas: submissions' names, folders with test.npz, or CSVs"
SUBMISSIONS = "a folder or a zip of all teams' files"


def add_looking(stage: argparse.ArgumentParser) -> None:
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
    _add_features(stage, None)
    _add_models(stage, None)


def _add_features(stage: argparse.ArgumentParser, default: str | None = "auto") -> None:
    usual = default or "auto; try, predict and report: those of the last search"
    stage.add_argument("--features", default=default, help=f"auto, or pixels: raw pixels only ({usual})")


def _add_models(stage: argparse.ArgumentParser, default: str | None, usual: str | None = None) -> None:
    from catwalk.models.space import MODELS

    usual = usual or default or "dense; try, predict and report: those of the last search"
    stage.add_argument(
        "--models",
        choices=tuple(MODELS),
        default=default,
        help=f"networks to search: dense, conv (convolutional) or all ({usual})",
    )


def add_team(stage: argparse.ArgumentParser) -> None:
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
    stage.add_argument("--parts", help=PARTS)


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
        "--budget", type=values.budget, default="10m", help="time for the search on Kaggle (%(default)s)"
    )
    _add_models(stage, "dense")
    _add_features(stage)
    _add_folds(stage, "")


def _add_grade(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("--submissions", type=expanded, help=SUBMISSIONS)
    stage.add_argument(
        "--labels", type=expanded, help="a CSV of ids and true labels, or Kaggle's solution file"
    )
    stage.add_argument("--final", action="store_true", help="show the private scores as well")


def _add_course(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("--exercise", type=int, help="run only this exercise, 1 to 5")
    last = "at first; then as the last time"
    stage.add_argument("--budget", type=values.budget, help=f"time for the hackathon's search (3m {last})")
    _add_models(stage, None, f"dense {last}")


def add_search(stage: argparse.ArgumentParser) -> None:
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
    _add_folds(stage, "; predict and report: those of the last search")
    stage.add_argument(
        "--until", help="a time today, such as 14:40, by which prediction and report must finish"
    )


def _add_folds(stage: argparse.ArgumentParser, usual: str) -> None:
    stage.add_argument(
        "--folds",
        choices=("auto", "1", "5", "10"),
        default="auto",
        help="5 or 10: train the best in folds after the search, so that all labelled rows validate "
        f"(auto: 1, none{usual})",
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
