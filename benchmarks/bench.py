"""The bench: catwalk beside its peers, each with the same wall-clock budget, rows and cores.

    .venv/bin/python -m benchmarks.bench --budget 3m --rounds 3       (make bench)
    .venv/bin/python -m benchmarks.bench --draw benchmarks/results/bench-10m-2026-11-28.json

The tools run one after the other, in another order each round, each in a process group of its own. What
they answer for the validation and the test rows is kept; the test labels are opened once, in the last line,
and nothing is chosen by them. Three rounds of ten minutes take four and a half hours: the same command goes
on after the last run that came to its end, and ``--rounds 1 --collect`` leaves the others for another day
(``benchmarks/results/bench-10m/`` keeps the finished ones until all are there, also in git).
docs/performance.md shows only results of all tools in three rounds; README and docs/bench.png, those of ten
minutes.
``--draw`` makes table and picture again from the JSON, and runs nothing.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import bench_report, methods, project, record
from benchmarks.project import ROOT
from catwalk.data import scope as scopes
from catwalk.search import limits

PYTHON = ROOT / ".venv-bench" / "bin" / "python"
COMPETITION = "fashion-mnist"
GRACE = 60.0  # seconds after the budget until a tool that goes on is ended
ROUNDS = 3  # of a whole comparison
SHOWN = 600.0  # the budget, in seconds, of the comparison that README and docs/bench.png show
# Labels of the validation and of the test rows; None where a tool had none within the budget.
Answer = tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]] | None


def arrays(folder: Path, seed: int) -> Path:
    """The same rows for the peers, as one file."""
    from catwalk.core.paths import Paths
    from catwalk.data import prepare

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


def run(command: list[str], folder: Path, budget: float, path: Path | None = None) -> float:
    """Run a tool to its end, with modules from ``path`` too; its peak memory in MB."""
    log = (folder / "log.txt").open("w")
    environment = {**os.environ, "BENCH_STARTED": str(time.time()), "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment |= {"PYTHONPATH": str(path)} if path else {}
    process = subprocess.Popen(  # noqa: S603
        command, cwd=folder, stdout=log, stderr=log, env=environment, start_new_session=True
    )
    memory = Memory(process.pid)
    memory.start()
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(budget + GRACE)
    finally:  # also where we are ended ourselves
        peak = memory.end()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # a worker may outlive the process that we waited for
        process.wait()
    if process.returncode not in (0, -signal.SIGKILL):
        raise SystemExit(f"{command} failed: {(folder / 'log.txt').read_text()[-500:]}")
    return peak


def catwalk(
    folder: Path, budget: float, seed: int, models: str
) -> tuple[list[dict[str, float]], Answer, float]:
    """``search`` and ``predict``; the prediction's time comes out of the budget, as the peers' does."""
    started = time.monotonic()
    search = limits.search_within(budget - 10)
    shared = ["--competition", COMPETITION, "--seed", str(seed), "--models", models]
    binary = str(Path(sys.executable).with_name("catwalk"))
    peaks = [run([binary, "search", *shared, "--budget", f"{search:.0f}s"], folder, budget)]
    left = budget - (time.monotonic() - started)
    peaks.append(run([binary, "predict", *shared, "--name", "bench"], folder, left))
    return curve_of_study(folder, seed, models), _answer_of_submission(folder), max(peaks)


def curve_of_study(folder: Path, seed: int, models: str = scopes.DENSE) -> list[dict[str, float]]:
    """Of each epoch of all trials: when it ended, in seconds of the search, and its validation accuracy."""
    from catwalk.core.paths import Paths
    from catwalk.data import prepare
    from catwalk.search import study, trial_record

    paths = Paths(folder, COMPETITION)
    opened = study.load(paths, prepare.load(paths, seed), scopes.name("local", models))
    records = trial_record.of_study(opened) if opened else []
    return [
        {"second": epoch.second or 0.0, "accuracy": epoch.accuracy} for r in records for epoch in r.history
    ]


def _answer_of_submission(folder: Path) -> Answer:
    from catwalk.core.paths import Paths
    from catwalk.submission import predictions

    paths = Paths(folder, COMPETITION)
    files = (paths.oof("bench"), paths.test_predictions("bench"))
    if not all(file.is_file() for file in files):  # as where predict was ended
        return None
    oof, test = (predictions.read(file, str(file)).probabilities.argmax(axis=1) for file in files)
    return oof, test


def random_engine(folder: Path, budget: float, seed: int) -> tuple[list[dict[str, float]], Answer, float]:
    """Catwalk's trials with random choices: neither portfolio nor TPE, nothing stopped early, no ensemble."""
    command = [sys.executable, "-m", "benchmarks.bench"]
    command += ["--random-engine", f"{budget - 15}", "--seed", str(seed)]
    peak = run([*command, "--folder", str(folder)], folder, budget, ROOT)
    # In a process of its own: TensorFlow's set-up would change the environment of the tools after this one.
    # It ends here: a fork server that stays would share memory with catwalk's later processes.
    with ProcessPoolExecutor(1, get_context("spawn")) as apart:
        answer = apart.submit(_answer_of_best, folder, seed).result()
    return curve_of_study(folder, seed), answer, peak


def _random_worker(folder: Path, budget: float, seed: int, worker: int, started: float) -> None:
    from catwalk.core import tensorflow_setup

    tensorflow_setup.setup(threads=1)
    import optuna

    from catwalk.core.paths import Paths
    from catwalk.data import competition, prepare
    from catwalk.data.run_context import RunContext
    from catwalk.search import study

    paths = Paths(folder, COMPETITION)
    loaded, prepared = competition.load(paths), prepare.load(paths, seed)
    opened = study.create(paths, prepared, "local")
    opened.sampler = optuna.samplers.RandomSampler(100 * seed + worker)
    opened.pruner = optuna.pruners.NopPruner()
    methods.run(opened, RunContext(paths, loaded, prepared, seed, "local"), started, budget)


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
    from catwalk.core import tensorflow_setup
    from catwalk.core.paths import Paths
    from catwalk.data import prepare
    from catwalk.search import study

    tensorflow_setup.setup()
    import keras

    from catwalk.models import network

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
    curve = out / "curve.jsonl"
    lines = curve.read_text().splitlines() if curve.is_file() else []
    points = [json.loads(line) for line in lines]
    answers = sorted(out.glob("answer-*.npz"))
    if not answers:
        return points, None, peak
    with np.load(answers[-1]) as said:
        return points, (said["validation"], said["test"]), peak


def one(tool: str, budget: float, seed: int) -> tuple[dict[str, Any], Answer]:
    """Run one tool; what is kept of it, and its answer."""
    with tempfile.TemporaryDirectory() as name:
        folder = project.copied(COMPETITION, Path(name), seed).root
        commit = record.code_commit()
        started = time.monotonic()
        if tool in bench_report.OURS:
            curve, answer, peak = catwalk(folder, budget, seed, bench_report.OURS[tool])
        elif tool == "random_engine":
            curve, answer, peak = random_engine(folder, budget, seed)
        else:
            curve, answer, peak = peer(tool, folder, budget, seed)
        labels = _labels(folder, seed)
        row = {
            "tool": tool,
            "seed": seed,
            "date": record.now(),
            "commit": commit,
            "processor": record.machine()["processor"],
            "seconds": round(time.monotonic() - started, 1),
            "peak_mb": round(peak),
            "curve": rising(curve),
        }
        if answer:
            row["validation"] = float((answer[0] == labels).mean())
        if tool in bench_report.OURS:
            row["refit"] = refitted(folder)
        return row, answer


def refitted(folder: Path) -> int | None:
    """How many networks were trained again; None where predict was ended before it wrote its recipe."""
    from catwalk.core.paths import Paths
    from catwalk.submission import recipe

    paths = Paths(folder, COMPETITION)
    return len(recipe.read(paths, "bench").refit) if paths.recipe("bench").is_file() else None


def _labels(folder: Path, seed: int) -> npt.NDArray[np.integer]:
    from catwalk.core.paths import Paths
    from catwalk.data import prepare

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--budget", default="3m", help="a tool's, with a unit")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--tools", default=",".join(bench_report.TOOLS), help="all: %(default)s")
    parser.add_argument("--collect", action="store_true", help="end before the labels are opened")
    parser.add_argument("--draw", type=Path, help="a kept JSON: draw docs/bench.png of it, run nothing")
    parser.add_argument("--random-engine", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.random_engine:
        _random_search(options.folder, options.random_engine, options.seed)
    elif options.draw:
        kept = json.loads(options.draw.read_text())
        print(bench_report.table(kept["runs"]))
        bench_report.picture(kept, bench_report.PICTURE)
    else:
        try:
            measure(options)
        except KeyboardInterrupt:
            raise SystemExit("ended; what was measured is kept, the same command goes on") from None


def measure(options: argparse.Namespace) -> None:
    """Run what has not been run yet; the labels are opened only when all of it is there."""
    project.end_by_sigterm()
    from catwalk import option_values
    from catwalk.core.paths import Paths
    from catwalk.data import test_labels

    budget, tools = option_values.duration(options.budget), options.tools.split(",")
    is_whole = sorted(tools) == sorted(bench_report.TOOLS) and options.rounds >= ROUNDS
    # No page shows a part, and what is collected for the whole is not removed with it.
    name = f"bench-{options.budget}{'' if is_whole or options.collect else '-part'}"
    unfinished = record.RESULTS / name
    unfinished.mkdir(exist_ok=True)
    runs, answers = [], []
    for number in range(options.rounds):
        for tool in tools[number % len(tools) :] + tools[: number % len(tools)]:
            row, answer = _once(unfinished / f"{number + 1}-{tool}.npz", tool, budget, number + 1)
            runs.append(row)
            answers.append(answer)
            reached = f"{row['validation']:.4f}" if answer else "no answer"
            print(
                f"round {number + 1}, {bench_report.NAMES[tool]}: {reached} in {row['seconds']} s, "
                f"at most {row['peak_mb']:,} MB",
                flush=True,
            )
    if options.collect:
        print(f"kept in {unfinished}: the command goes on without --collect, for all tools and rounds")
        return
    # The last line that matters: the labels are opened when nothing can be changed any more.
    labels = test_labels.open_labels(Paths(ROOT, COMPETITION), "bench", f"{len(runs)} runs")
    for row, answer in zip(runs, answers, strict=True):
        if answer:
            row["test"] = float((answer[1] == labels).mean())
    print(bench_report.table(runs))
    content = {"budget": budget, "rounds": options.rounds, "runs": runs}
    print(f"kept in {record.keep(name, content)}")
    shutil.rmtree(unfinished)
    if is_whole and budget == SHOWN:
        bench_report.show()


def _once(kept: Path, tool: str, budget: float, seed: int) -> tuple[dict[str, Any], Answer]:
    """A run, or what an earlier call kept of it."""
    was_kept = kept.is_file()
    if not was_kept:
        row, answer = one(tool, budget, seed)
        aside = kept.with_suffix(".part.npz")
        validation, test = answer or (np.zeros(0), np.zeros(0))
        said = [labels.astype(np.uint8) for labels in (validation, test)]
        np.savez_compressed(aside, row=json.dumps(row), validation=said[0], test=said[1])
        aside.rename(kept)
    with np.load(kept) as found:
        row = json.loads(str(found["row"]))
        then = row.get("commit")
        if was_kept and tool in bench_report.OF_CATWALK and then != record.code_commit():
            print(f"{kept} is of {then or 'an unknown commit'}: to run it again, remove it", flush=True)
        return row, (found["validation"], found["test"]) if len(found["test"]) else None


if __name__ == "__main__":
    main()
