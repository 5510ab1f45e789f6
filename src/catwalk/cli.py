"""The command ``catwalk``: reads its arguments, runs a stage, and turns errors into one line."""

import argparse
import errno
import math
import os
import re
import signal
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from catwalk import __version__
from catwalk.errors import CatwalkError, MachineError, UserError
from catwalk.paths import Paths

if TYPE_CHECKING:
    from catwalk.competition import Competition
    from catwalk.limits import Limits

STAGES = {
    "all": "data, prepare, search, predict, report: the main job",
    "data": "download the competition's CSVs, or take them from a folder",
    "prepare": "CSVs to arrays, a train/validation split, sealed test labels",
    "search": "search for good networks until BUDGET or TRIALS is used up",
    "try": "train one net of your own choice within the study",
    "predict": "average the best networks and write the submission's CSV",
    "report": "make the talk (HTML, PDF) and the notebook that show the results",
    "score": "a submission against the sealed test labels (each look is logged)",
    "leaderboard": "all submissions side by side",
}
SEARCHING = ("all", "search", "predict", "report")
MAKING = ("all", "data", "prepare", "search", "try", "predict", "report")
SEEDED = ("all", "prepare", "search", "try", "predict", "report")
NAMING = ("all", "predict")
CHOOSING = ("report", "score")


def main(arguments: list[str] | None = None) -> int:
    """Run one stage; the exit code: 0 done, 2 the user mends it, 3 network, 4 machine, 130 Ctrl-C."""
    started = time.monotonic()
    options = _parser().parse_args(arguments)
    try:
        _run(options, started)
    except CatwalkError as error:
        return _complain(options.stage, str(error), error.exit_code)
    except KeyboardInterrupt:
        return _complain(options.stage, "stopped; what was finished is kept, the same command goes on", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader of our output has gone
        return 141
    except MemoryError:
        return _complain(options.stage, "out of memory: close other programs, or WORKERS=1", 4)
    except OSError as error:
        return _complain(options.stage, _of_machine(error), MachineError.exit_code)
    except Exception as error:
        if type(error).__module__.split(".")[0] not in ("optuna", "sqlalchemy", "sqlite3"):
            raise
        reason = str(getattr(error, "orig", None) or error.__cause__ or error).splitlines()[0][:150]
        mend = f"make room on the disk, or move data/{options.competition}/study away"
        return _complain(options.stage, f"the study can't be used ({reason}): {mend}", 4)
    return 0


def _complain(stage: str, message: str, code: int) -> int:
    print(f"catwalk {stage}: {' '.join(message.split())}", file=sys.stderr)
    return code


def _of_machine(error: OSError) -> str:
    mends = {
        errno.ENOSPC: "make room on the disk and run the command again",
        errno.EACCES: "make it readable and writable for you",
        errno.EROFS: "use a folder that can be written to",
    }
    where = f"{error.filename}: " if error.filename else ""
    return (
        f"{where}{error.strerror or error}: {mends.get(error.errno or 0, 'look at the path and try again')}"
    )


class _Parser(argparse.ArgumentParser):
    """argparse, but a mistake is one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}: see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="catwalk", description="A competition pipeline for pictures in CSVs.")
    parser.add_argument("--version", action="version", version=__version__)
    stages = parser.add_subparsers(dest="stage", required=True, metavar="stage")
    for name, what in STAGES.items():
        stage = stages.add_parser(name, help=what, description=what)
        stage.add_argument(
            "--competition", default="fashion-mnist", help="a name in competitions/ (%(default)s)"
        )
        if name in MAKING:
            stage.add_argument(
                "--source",
                default="auto",
                help="auto, kaggle, debian, keras, sklearn or a folder (%(default)s)",
            )
        if name in SEEDED:
            stage.add_argument(
                "--seed", type=_seed, default=1, help="of split, sampler and networks (%(default)s)"
            )
        if name in SEARCHING:
            _add_search(stage)
        if name == "try":
            _add_try(stage)
        if name in ("try", *SEARCHING):
            stage.add_argument(
                "--features", default="auto", help="auto, or pixels: raw pixels only (%(default)s)"
            )
        if name in NAMING:
            stage.add_argument("--name", help="the submission's (default: time and hash)")
        if name in CHOOSING:
            stage.add_argument("--submission", help="its name (default: the newest)")
    return parser


def _add_search(stage: argparse.ArgumentParser) -> None:
    stage.add_argument(
        "--budget", type=duration, help="wall-clock time of the search in all: 90s, 10m, 2h (10m)"
    )
    stage.add_argument("--trials", type=_count, help="finished trials in all, instead of the default budget")
    stage.add_argument("--workers", type=_workers, help="processes (default: one a core as memory allows)")
    stage.add_argument("--until", help="a time of today, as 14:40, by which prediction and report are done")


def _add_try(stage: argparse.ArgumentParser) -> None:
    """An option for each row of the search space; the widths say the depth as well."""
    from catwalk.space import SPACE

    stage.add_argument("--widths", type=_widths, help="units of the hidden layers, as 512,256; 0 for none")
    for name, (kind, values) in SPACE.items():
        if name == "depth" or name.startswith("width_"):
            continue
        if kind == "one of":
            what, value = f"one of {', '.join(map(str, values))}", type(values[0])
        else:
            what, value = f"from {values[0]} to {values[1]}", float
        stage.add_argument(f"--{name.replace('_', '-')}", type=value, help=what)


def duration(text: str) -> float:
    """Seconds in "90s", "10m", "2h", or a plain number of seconds.

    Raises:
        argparse.ArgumentTypeError: not such a text, or not more than 0.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    seconds = float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]] if match else math.nan
    if not 0 < seconds < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time above 0: write 90s, 10m or 2h")
    return seconds


def _whole(text: str, low: int, high: int, what: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text) or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what} from {low} to {high}")
    return int(text)


def _count(text: str) -> int:
    return _whole(text, 1, 1_000_000, "a number of trials")


def _workers(text: str) -> int:
    return _whole(text, 1, 4 * (os.cpu_count() or 1), "a number of workers")


def _widths(text: str) -> list[int]:
    if text == "0":
        return []
    return [_whole(width, 1, 100_000, "a number of units") for width in text.split(",")]


def _seed(text: str) -> int:
    return _whole(text, 0, 20_000, "a seed")


def _say(line: str) -> None:
    print(line, flush=True)


def _run(options: argparse.Namespace, started: float) -> None:
    from catwalk import competition

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    paths = Paths(Path.cwd(), options.competition)
    loaded = competition.load(paths)
    stage = options.stage
    if stage == "leaderboard":
        from catwalk import score

        _say(score.leaderboard(paths).to_string(index=False, na_rep="-", float_format="%.4f"))
    elif stage == "score":
        from catwalk import score, submission

        score.make(paths, loaded, submission.choose(paths, options.submission), _say)
    elif stage == "report" and (options.submission is not None or _has_submission(paths)):
        from catwalk import report, submission

        report.make(paths, submission.choose(paths, options.submission), _say)
    else:
        _run_making(options, paths, loaded, started)


def _has_submission(paths: Paths) -> bool:
    from catwalk import submission

    return bool(submission.names(paths))


def _run_making(options: argparse.Namespace, paths: Paths, loaded: "Competition", started: float) -> None:
    """The stages that make what they need: each runs those before it, which say so if they are done."""
    from catwalk import data

    stage = options.stage
    features = _features(options, loaded)
    if getattr(options, "until", None) is not None:
        _until(options)  # a time that is past is told before a download
    data.make(paths, loaded, options.source, _say)
    if stage == "data":
        return
    from catwalk import prepare

    prepare.make(paths, loaded, options.seed, _say)

    if getattr(options, "name", None) is not None:
        from catwalk import predict

        # A name that can't be is told before the search, not after it.
        predict.is_done(paths, prepare.load(paths, options.seed), features, options.name)
    if stage == "try":
        from catwalk import search as trying

        trying.make_try(paths, seed=options.seed, features=features, choice=_choice(options), say=_say)
        return

    def search() -> None:
        from catwalk import search

        # In "all" the budget is the search's alone, however long the download took.
        by_clock = options.until is not None  # what is left until then is counted from now
        begun = started if stage == "search" and not by_clock else time.monotonic()
        search.make(
            paths,
            seed=options.seed,
            features=features,
            until=_limits(options, paths, features),
            workers=options.workers,
            started=begun,
            say=_say,
        )

    if stage in ("all", "search"):
        search()
    if stage in ("all", "predict", "report"):
        from catwalk import predict

        name = predict.make(
            paths,
            loaded,
            seed=options.seed,
            features=features,
            name=getattr(options, "name", None),
            search=search,
            say=_say,
        )
        if stage != "predict":
            from catwalk import report

            report.make(paths, name, _say)


def _limits(options: argparse.Namespace, paths: Paths, features: str) -> "Limits":
    from catwalk import limits, prepare, progress

    if options.until is None:
        default = 600.0 if options.trials is None else None
        return limits.Limits(options.budget or default, options.trials)
    left = _until(options)
    name = progress.study_name(paths, prepare.load(paths, options.seed), features)
    spent = progress.read(paths).get(name, progress.NOTHING)["spent"]
    return limits.Limits(spent + left, options.trials)


def _until(options: argparse.Namespace) -> float:
    """Seconds of search from now so that all is done by UNTIL."""
    from catwalk import limits

    if options.budget is not None:
        raise UserError("BUDGET= and UNTIL= say the same in two ways: give one of them")
    return limits.seconds_until(options.until, datetime.now())


def _choice(options: argparse.Namespace) -> dict[str, Any]:
    """What the user chose, as values of the search space."""
    from catwalk.space import SPACE

    given = {name: getattr(options, name, None) for name in SPACE}
    choice = {name: value for name, value in given.items() if value is not None}
    if options.widths is not None:
        choice["depth"] = len(options.widths)
        choice |= {f"width_{i + 1}": width for i, width in enumerate(options.widths[:3])}
    return choice


def _features(options: argparse.Namespace, loaded: "Competition") -> str:
    from catwalk import features

    return features.resolve(getattr(options, "features", "auto"), loaded.shape)


if __name__ == "__main__":
    sys.exit(main())
