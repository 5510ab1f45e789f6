"""The bench: catwalk beside its peers, each with the same wall-clock budget, rows and cores.

    .venv/bin/python benchmarks/bench.py --budget 3m --rounds 3       (make bench)
    .venv/bin/python benchmarks/bench.py --draw benchmarks/results/bench-3m-2026-11-23.json

The tools run one after the other, in another order each round, each in a process group of its own. What they
answer for the validation and the test rows is kept; the test labels are opened once, in the last line, and
nothing is chosen by them. ``--draw`` makes table and picture again from the JSON, and runs nothing.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import record

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv-bench" / "bin" / "python"
TOOLS = ("catwalk", "random_engine", "optuna_keras", "keras_tuner", "sklearn_mlp", "beginner")
NAMES = {
    "catwalk": "catwalk",
    "random_engine": "random search, catwalk's engine",
    "optuna_keras": "Optuna with Keras",
    "keras_tuner": "KerasTuner Hyperband",
    "sklearn_mlp": "scikit-learn MLPClassifier",
    "beginner": "128-unit net",
}
MARKS = (0.85, 0.88, 0.90)
COMPETITION = "fashion-mnist"
GRACE = 60.0  # seconds after the budget until a tool that goes on is ended
Answer = tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]


def project(folder: Path, seed: int) -> Path:
    """A project of its own with the same data, prepared."""
    from catwalk import competition, data, prepare
    from catwalk.paths import Paths

    here, paths = Paths(ROOT, COMPETITION), Paths(folder, COMPETITION)
    data.make(here, competition.load(here), "auto", lambda _: None)
    shutil.copytree(ROOT / "competitions", folder / "competitions")
    shutil.copytree(here.raw, paths.raw)
    prepare.make(paths, competition.load(paths), seed, lambda _: None)
    return folder


def arrays(folder: Path, seed: int) -> Path:
    """The same rows for the peers, as one file."""
    from catwalk import prepare
    from catwalk.paths import Paths

    prepared = prepare.load(Paths(folder, COMPETITION), seed)
    path = folder / "arrays.npz"
    np.savez(
        path,
        train=prepared.pixels[prepared.train],
        train_labels=prepared.labels[prepared.train],
        validation=prepared.pixels[prepared.validation],
        validation_labels=prepared.labels[prepared.validation],
        test=prepared.test_pixels,
    )
    return path


class Memory(threading.Thread):
    """The most memory, in MB, that a process and its descendants held at once; sampled, shared pages once."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._ended, self.peak = pid, threading.Event(), 0.0

    def run(self) -> None:
        import psutil

        while not self._ended.wait(0.5):
            try:
                process = psutil.Process(self._pid)
                everyone = [process, *process.children(recursive=True)]
                total = sum(one.memory_full_info().pss for one in everyone) / 1e6
            except psutil.Error:
                continue
            self.peak = max(self.peak, total)

    def end(self) -> float:
        self._ended.set()
        self.join()
        return self.peak


def run(command: list[str], folder: Path, budget: float) -> float:
    """Run a tool to its end; its peak memory in MB."""
    log = (folder / "log.txt").open("w")
    environment = {**os.environ, "BENCH_STARTED": str(time.time()), "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(  # noqa: S603
        command, cwd=folder, stdout=log, stderr=log, env=environment, start_new_session=True
    )
    memory = Memory(process.pid)
    memory.start()
    try:
        process.wait(budget + GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    peak = memory.end()
    if process.returncode not in (0, -signal.SIGKILL):
        raise SystemExit(f"{command} failed: {(folder / 'log.txt').read_text()[-500:]}")
    return peak


def catwalk(folder: Path, budget: float, seed: int) -> tuple[list[dict[str, float]], Answer, float]:
    """``search`` and ``predict``; the prediction's time comes out of the budget, as the peers' does."""
    search = budget - (budget / 12 + 10)
    shared = ["--competition", COMPETITION, "--seed", str(seed)]
    binary = str(Path(sys.executable).with_name("catwalk"))
    peak = run([binary, "search", *shared, "--budget", f"{search:.0f}s"], folder, budget)
    run([binary, "predict", *shared, "--name", "bench"], folder, budget)
    return _curve_of_study(folder, seed), _answer_of_submission(folder), peak


def _curve_of_study(folder: Path, seed: int) -> list[dict[str, float]]:
    from catwalk import prepare, study
    from catwalk.paths import Paths

    paths = Paths(folder, COMPETITION)
    opened = study.load(paths, prepare.load(paths, seed), "local")
    records = study.as_records(opened) if opened else []
    return [
        {"second": epoch["second"], "accuracy": epoch["accuracy"]} for r in records for epoch in r["history"]
    ]


def _answer_of_submission(folder: Path) -> Answer:
    from catwalk.paths import Paths

    with np.load(Paths(folder, COMPETITION).predictions("bench")) as said:
        return said["validation"].argmax(axis=1), said["test"].argmax(axis=1)


def random_engine(folder: Path, budget: float, seed: int) -> tuple[list[dict[str, float]], Answer, float]:
    """Catwalk's trials with random choices: neither portfolio nor TPE, nothing stopped early, no ensemble."""
    command = [sys.executable, str(Path(__file__)), "--random-engine", f"{budget - 15}", "--seed", str(seed)]
    peak = run([*command, "--folder", str(folder)], folder, budget)
    return _curve_of_study(folder, seed), _answer_of_best(folder, seed), peak


def _random_worker(folder: Path, budget: float, seed: int, worker: int, started: float) -> None:
    from catwalk import tensorflow_setup

    tensorflow_setup.setup(threads=1)
    import optuna

    from catwalk import competition, precision, prepare, study
    from catwalk.features import Views
    from catwalk.paths import Paths
    from catwalk.train import OutOfTimeError
    from catwalk.trial import Objective

    paths = Paths(folder, COMPETITION)
    loaded, prepared = competition.load(paths), prepare.load(paths, seed)
    opened = study.create(paths, prepared, "local")
    opened.sampler = optuna.samplers.RandomSampler(100 * seed + worker)
    opened.pruner = optuna.pruners.NopPruner()
    objective = Objective(
        paths, prepared, opened.study_name, loaded, "local", Views(paths, prepared, loaded.shape),
        precision.fastest(), seed, started, started + budget, budget, lambda *_: None,
    )  # fmt: skip
    while time.monotonic() < started + 0.95 * budget:
        opened.optimize(objective, n_trials=1, gc_after_trial=True, catch=OutOfTimeError)


def _random_search(folder: Path, budget: float, seed: int) -> None:
    started = time.monotonic()
    context = get_context("spawn")
    workers = [
        context.Process(target=_random_worker, args=(folder, budget, seed, number, started))
        for number in range(2)
    ]
    for worker in workers:
        worker.start()
        time.sleep(1)  # the first one makes the study
    for worker in workers:
        worker.join()


def _answer_of_best(folder: Path, seed: int) -> Answer:
    from catwalk import prepare, study, tensorflow_setup
    from catwalk.paths import Paths

    tensorflow_setup.setup()
    import keras

    from catwalk import network

    paths = Paths(folder, COMPETITION)
    prepared = prepare.load(paths, seed)
    opened = study.load(paths, prepared, "local")
    assert opened is not None
    best = study.complete(opened)[0].number
    model = keras.models.load_model(paths.model(opened.study_name, best), compile=False)
    said = network.probabilities(model, prepared.pixels, prepared.validation)
    return said.argmax(axis=1), network.probabilities(model, prepared.test_pixels).argmax(axis=1)


def peer(name: str, folder: Path, budget: float, seed: int) -> tuple[list[dict[str, float]], Answer, float]:
    """One of peers.py, in the peers' environment."""
    out = folder / "out"
    data = arrays(folder, seed)
    command = [
        str(PYTHON),
        str(ROOT / "benchmarks" / "peers.py"),
        name,
        "--data",
        str(data),
        "--out",
        str(out),
    ]
    peak = run([*command, "--budget", str(budget), "--seed", str(seed)], folder, budget)
    answers = sorted(out.glob("answer-*.npz"))
    if not answers:
        raise SystemExit(f"{NAMES[name]} had no answer within {budget:.0f} s: give it more with --budget")
    lines = (out / "curve.jsonl").read_text().splitlines()
    with np.load(answers[-1]) as said:
        return [json.loads(line) for line in lines], (said["validation"], said["test"]), peak


def one(tool: str, budget: float, seed: int) -> tuple[dict[str, Any], Answer]:
    """Run one tool; what is kept of it, and its answer."""
    with tempfile.TemporaryDirectory() as name:
        folder = project(Path(name), seed)
        started = time.monotonic()
        if tool == "catwalk":
            curve, answer, peak = catwalk(folder, budget, seed)
        elif tool == "random_engine":
            curve, answer, peak = random_engine(folder, budget, seed)
        else:
            curve, answer, peak = peer(tool, folder, budget, seed)
        labels = _labels(folder, seed)
        row = {
            "tool": tool,
            "seed": seed,
            "seconds": round(time.monotonic() - started, 1),
            "validation": float((answer[0] == labels).mean()),
            "peak_mb": round(peak),
            "curve": rising(curve),
        }
        return row, answer


def _labels(folder: Path, seed: int) -> npt.NDArray[np.integer]:
    from catwalk import prepare
    from catwalk.paths import Paths

    prepared = prepare.load(Paths(folder, COMPETITION), seed)
    return prepared.labels[prepared.validation]


def rising(curve: list[dict[str, float]]) -> list[list[float]]:
    """Second and best accuracy so far, where it rises."""
    best, points = 0.0, []
    for point in sorted(curve, key=lambda point: point["second"]):
        if point["accuracy"] > best:
            best = point["accuracy"]
            points.append([point["second"], round(best, 6)])
    return points


def seconds_to(curve: list[list[float]], mark: float) -> float | None:
    return next((second for second, accuracy in curve if accuracy >= mark), None)


def table(runs: list[dict[str, Any]]) -> str:
    """Medians and ranges, a line a tool, as Markdown."""
    lines = [
        "| tool | validation | test | seconds to 0.85 | 0.88 | 0.90 | peak MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for tool in TOOLS:
        mine = [run for run in runs if run["tool"] == tool]
        if not mine:
            continue
        cells = [_range([100 * run[key] for run in mine if key in run], 2) for key in ("validation", "test")]
        for mark in MARKS:
            reached = [seconds_to(run["curve"], mark) for run in mine]
            known = [second for second in reached if second is not None]
            cells.append(_range(known, 0) if len(known) == len(mine) else f"{len(known)} of {len(mine)}")
        cells.append(f"{statistics.median(run['peak_mb'] for run in mine):,.0f}")
        lines.append(f"| {NAMES[tool]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _range(values: list[float], digits: int) -> str:
    if not values:
        return ""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def picture(kept: dict[str, Any], path: Path) -> None:
    """Best validation accuracy so far against time: the median of the rounds, and their range."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from catwalk import figures

    colours = (figures.BLUE, figures.ORANGE, "#009E73", "#CC79A7", "#B8860B", figures.MUTED)
    styles = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
    times = np.geomspace(3, kept["budget"], 400)
    with mpl.rc_context(figures.STYLE):
        figure = Figure(figsize=(9, 5))
        axes = figure.subplots()
        for tool, colour, style in zip(TOOLS, colours, styles, strict=True):
            curves = [_at(run["curve"], times) for run in kept["runs"] if run["tool"] == tool]
            if not curves:
                continue
            middle = np.median(curves, axis=0)
            axes.fill_between(times, np.min(curves, axis=0), np.max(curves, axis=0), color=colour, alpha=0.15)
            axes.plot(times, middle, color=colour, linestyle=style, linewidth=2, label=NAMES[tool])
        axes.set(xscale="log", ylim=(80, None), xlabel="seconds since the start, imports included")
        ticks = [second for second in (5, 10, 30, 60, 180, 600, 3600) if second <= kept["budget"]]
        axes.set_xticks(ticks, [f"{second}" for second in ticks])
        axes.set_xticks([], minor=True)
        axes.set_ylabel("best single network, % of validation")
        axes.legend(frameon=False, loc="lower right")
        figure.tight_layout()
        path.write_bytes(figures.png(figure))


def _at(curve: list[list[float]], times: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Percent reached by each time; not a number before the first."""
    seconds, shares = np.array(curve).T
    place = np.searchsorted(seconds, times, side="right") - 1
    return np.where(place >= 0, 100 * shares[place], np.nan)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--budget", default="3m", help="a tool's, with a unit")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tools", default=",".join(TOOLS))
    parser.add_argument("--draw", type=Path, help="a kept JSON: draw it again, run nothing")
    parser.add_argument("--random-engine", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.random_engine:
        _random_search(options.folder, options.random_engine, options.seed)
    elif options.draw:
        kept = json.loads(options.draw.read_text())
        print(table(kept["runs"]))
        picture(kept, ROOT / "docs" / "bench.png")
    else:
        measure(options)


def measure(options: argparse.Namespace) -> None:
    from catwalk import cli, sealed
    from catwalk.paths import Paths

    budget, tools = cli.duration(options.budget), options.tools.split(",")
    runs, answers = [], []
    for number in range(options.rounds):
        for tool in tools[number % len(tools) :] + tools[: number % len(tools)]:
            row, answer = one(tool, budget, number + 1)
            runs.append(row)
            answers.append(answer[1])
            print(
                f"round {number + 1}, {NAMES[tool]}: {row['validation']:.4f} in {row['seconds']} s",
                flush=True,
            )
    # The last line that matters: the labels are opened when nothing can be changed any more.
    labels = sealed.open_labels(Paths(ROOT, COMPETITION), "bench", f"{len(runs)} runs")
    for row, test in zip(runs, answers, strict=True):
        row["test"] = float((test == labels).mean())
    print(table(runs))
    content = {"budget": budget, "rounds": options.rounds, "runs": runs}
    print(f"kept in {record.keep(f'bench-{options.budget}', content)}")
    picture(content, ROOT / "docs" / "bench.png")


if __name__ == "__main__":
    main()
