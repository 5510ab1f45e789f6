"""Elsewhere: networks of trials that other machines of the team ran, brought here or trained here again."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catwalk import limits, processes, progress, refit, retrain
from catwalk.paths import Paths, written_aside
from catwalk.prepare import Prepared

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

CANDIDATES = 20  # of the study's best, as many as a search keeps networks of
SLOWER = 1.5  # times its seconds elsewhere, that one network may take where there is none at all


@dataclass(frozen=True)
class Task:
    """A trial to train here; what its process gets."""

    key: str
    number: int
    again: retrain.Task


def offer(paths: Paths, key: str, trial: "optuna.Trial", value: float) -> None:
    """Put a network and its probabilities where the others find them, if it is one that may be chosen.

    Args:
        paths: the competition's, with a team.
        key: the study's.
        trial: under way, its network kept.
        value: its validation accuracy.
    """
    if paths.team is None or paths.team.artifacts is None:
        return
    from optuna import artifacts

    from catwalk import study

    if sum((other.value or 0.0) > value for other in study.complete(trial.study)) >= CANDIDATES:
        return
    store = artifacts.FileSystemArtifactStore(paths.team.artifacts)
    try:
        for file in (paths.model(key, trial.number), paths.probabilities(key, trial.number)):
            artifacts.upload_artifact(artifact_store=store, file_path=str(file), study_or_trial=trial)
    except OSError as error:  # the others train it again; the trial is none the worse
        trial.set_user_attr("not_offered", str(error)[:200])


def bring(
    paths: Paths,
    prepared: Prepared,
    split_seed: int,
    opened: "optuna.Study",
    until: float | None,
    say: Callable[[str], None],
) -> int:
    """Keep here what of the study's best networks is not here yet, as far as the time allows.

    Where the artifact store has a network it is copied; else it is trained from its recipe, with its own
    parameters, seed, precision and plan. Where no network is here at all, there is time for the best one.

    Args:
        paths: the competition's, with a team.
        prepared: its arrays and split.
        split_seed: SEED, by which the processes find the same.
        opened: the study.
        until: ``time.time()`` by which it is done; None: the clock is not asked.
        say: takes lines for people.

    Returns:
        How many of them are still not here.
    """
    from catwalk import study

    key, complete = study.key(opened), study.complete(opened)
    shown = [trial for trial in complete[CANDIDATES:] if trial.user_attrs.get("kind") == "softmax"]
    wanted = complete[:CANDIDATES] + shown
    missing = [t for t in wanted if not is_here(paths, key, t) and not _fetched(paths, key, opened, t)]
    if not missing:
        return 0
    seconds = math.inf if until is None else max(0.0, until - time.time())
    if len(missing) == len(wanted):
        seconds = max(seconds, SLOWER * _needed(missing[0]))
    with progress.lock_if_free(paths) as free:  # a search here has the cores
        cores = limits.workers(None) if free else 1
        chosen = _fitting(missing, cores, seconds)
        if not chosen:
            return len(missing)
        say(f"predict: {len(chosen)} networks that others found are trained here again, from their recipes")
        tasks = [
            Task(key, trial.number, retrain.of_trial(paths, split_seed, trial.params, trial.user_attrs))
            for trial in chosen
        ]
        whole = sum(map(_needed, chosen)) / min(cores, len(chosen))
        processes.run_all(_train, tasks, "training", cores, whole, time.monotonic() + seconds)
    return sum(not is_here(paths, key, trial) for trial in wanted)


def is_here(paths: Paths, key: str, trial: "FrozenTrial") -> bool:
    """Whether a trial's network was kept here, to the end: the probabilities are written last."""
    return paths.probabilities(key, trial.number).is_file() and paths.model(key, trial.number).is_file()


def _fetched(paths: Paths, key: str, opened: "optuna.Study", trial: "FrozenTrial") -> bool:
    """Copy a trial's two files from the artifact store, if both are there."""
    if paths.team is None or paths.team.artifacts is None:
        return False
    from optuna import artifacts

    store = artifacts.FileSystemArtifactStore(paths.team.artifacts)
    offered = artifacts.get_all_artifact_meta(trial, storage=opened._storage)
    named = {meta.filename: meta.artifact_id for meta in offered}
    files = (paths.model(key, trial.number), paths.probabilities(key, trial.number))
    if any(file.name not in named for file in files):
        return False
    try:
        for file in files:
            with written_aside(file) as path:
                artifacts.download_artifact(
                    artifact_store=store, artifact_id=named[file.name], file_path=str(path)
                )
    except artifacts.exceptions.ArtifactNotFound:
        return False
    return True


def _fitting(trials: "list[FrozenTrial]", cores: int, seconds: float) -> "list[FrozenTrial]":
    """The best that can be trained in so many seconds on so many cores."""
    ends, chosen = [0.0] * cores, []
    for trial in trials:
        free = ends.index(min(ends))
        if ends[free] + _needed(trial) <= seconds:
            ends[free] += _needed(trial)
            chosen.append(trial)
    return chosen


def _needed(trial: "FrozenTrial") -> float:
    return refit.STARTING + refit.seconds_of(trial)


def _train(task: Task) -> float | None:
    """What a process does: the trial once more, kept as it was kept there; its value, None if it diverged."""
    made = retrain.train(task.again)
    if made is None:
        return None
    from catwalk import trial

    return trial.keep(task.again.paths, task.key, task.number, made.prepared, made.model)
