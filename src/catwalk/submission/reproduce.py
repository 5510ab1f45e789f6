"""Reproduce: makes a submission again from its recipe alone, and reports what differs, if anything."""

import contextlib
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catwalk.core import advice, process_pool
from catwalk.core.errors import MachineError, UserError
from catwalk.core.paths import Paths
from catwalk.core.plurals import counted
from catwalk.data import download
from catwalk.data import folds as data_folds
from catwalk.data.run_context import RunContext
from catwalk.models import metrics, retrain
from catwalk.search import limits
from catwalk.submission import blend_parts, blend_weights, provenance, refit, submission_csv
from catwalk.submission.recipe import Recipe

Answer = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]  # of the validation and of the test rows


def run(context: RunContext, made: Recipe, name: str) -> None:
    """Train every network of a recipe again, average them, write the CSV in data/, and compare.

    Args:
        context: the competition and its split, of the recipe's seed.
        made: the recipe.
        name: the submission's.

    Raises:
        UserError: the recipe is of other data, or a part of a blend is another file now.
        MachineError: one of the training runs did not finish.
    """
    paths, prepared = context.paths, context.prepared
    _require_data(context, made, name)
    if made.parts:
        _join_again(context, made, name)
        return
    tasks = _tasks(paths, made)
    if made.folds > 1:
        data_folds.write(paths, prepared, made.folds, made.seed)
    many = counted(len(tasks), "network")
    context.say(f"reproduce: training {many} again from {name}.json")
    cores = limits.workers(context.workers)
    answers = process_pool.run_all(_answer, tasks, "training", cores, None)
    if any(answer is None for answer in answers):
        raise MachineError("one of the training runs did not finish", fix=advice.CLOSE_PROGRAMS)
    accuracy, tested = _joined(context, made, [answer for answer in answers if answer is not None])
    target = paths.reproduced(name)
    submission_csv.write(target, prepared.test_ids, tested.argmax(axis=1), context.competition)
    for line in _compared(context, made, name, target, accuracy):
        context.say(line)


def _require_data(context: RunContext, made: Recipe, name: str) -> None:
    """Check that the recipe is of the rows that are prepared here.

    Raises:
        UserError: the labelled rows are others, or the test rows, or what the TOML says of both.
    """
    paths, prepared = context.paths, context.prepared
    raw, aside = paths.shown(paths.raw), download.move_aside(paths)
    if made.fingerprint != prepared.fingerprint:
        raise UserError(
            f"{name} was made from other data (fingerprint {made.fingerprint}, here {prepared.fingerprint})",
            fix=f"rename the folder of this data ({aside}) and put the original data into {raw}",
        )
    if made.test_fingerprint != prepared.test_fingerprint:
        toml = paths.shown(paths.toml)
        raise UserError(
            f"{name} was made for other test rows, or with another {toml} (columns, ids, file names)",
            fix=f"undo that change, or rename this data ({aside}) and put the original into {raw}",
        )


def _joined(
    context: RunContext, made: Recipe, answers: list[Answer]
) -> tuple[float, npt.NDArray[np.float32]]:
    """The ensemble's accuracy on the rows that validate it, and its probabilities of the test rows."""
    paths, prepared, count = context.paths, context.prepared, len(made.networks)
    tested = made.ensemble.of_folds(made.folds).average(np.stack([test for _, test in answers[:count]]))
    if made.folds > 1:
        parts = [[rows for rows, _ in answers[i : i + made.folds]] for i in range(0, count, made.folds)]
        folds = data_folds.load(paths, prepared, made.folds)
        validation = np.stack([data_folds.joined(folds, part) for part in parts])
        return metrics.accuracy(made.ensemble.average(validation), np.asarray(prepared.labels)), tested
    if made.refit:
        again = np.stack([test for _, test in answers[count:]])
        tested = refit.joined(tested, again, made.refit, made.trials)
    validation = np.stack([rows for rows, _ in answers[:count]])
    return metrics.accuracy(made.ensemble.average(validation), prepared.labels[prepared.validation]), tested


def _join_again(context: RunContext, made: Recipe, name: str) -> None:
    """Join a blend's parts again, write the CSV in data/, and compare."""
    paths = context.paths
    parts = blend_parts.locate(paths, [part.given for part in made.parts])
    for part, then in zip(parts, made.parts, strict=True):
        if (part.sha256, part.oof_sha256) != (then.sha256, then.oof_sha256):
            what = f"the part {part.given} is another file than then"
            raise UserError(what, where=name, fix="put back your copy of it, or run make blend for a new one")
    joined = blend_weights.join(context, parts)
    target = paths.reproduced(name)
    submission_csv.write(target, context.prepared.test_ids, joined.labels, context.competition)
    same = hashlib.sha256(target.read_bytes()).hexdigest() == made.csv_sha256
    how = "equals {}.csv, byte for byte" if same else "differs from {}.csv: other versions of the packages?"
    context.say(f"reproduce: {paths.shown(target)}, {len(parts)} parts joined again, {how.format(name)}")


def _tasks(paths: Paths, made: Recipe) -> list[retrain.Task]:
    """Tasks for the processes: the chosen networks, then the refitted ones; in folds, theirs alone."""
    tasks = {one.number: refit.task_of(paths, made.seed, one) for one in made.trials}
    if made.folds > 1:
        return [
            replace(tasks[one.trial], seed=one.seed, plan=one.plan, fold=(one.fold, made.folds))
            for one in made.fold_networks
        ]
    again = [replace(tasks[one.trial], seed=one.seed, plan=one.plan, everything=True) for one in made.refit]
    return [*tasks.values(), *again]


def _answer(task: retrain.Task) -> Answer | None:
    made = retrain.train(task)
    if made is None:
        return None
    from catwalk.models import network

    return (
        network.probabilities(made.model, made.prepared.pixels, made.prepared.validation),
        network.probabilities(made.model, made.prepared.test_pixels),
    )


def _compared(context: RunContext, made: Recipe, name: str, target: Path, accuracy: float) -> list[str]:
    """The result's lines: identical bytes, or how many labels differ, and what else is different here."""
    paths, ids, competition = context.paths, context.prepared.test_ids, context.competition
    shown = paths.shown(target)
    if made.validation is not None and made.validation.accuracy == accuracy:
        told = f"validation {accuracy:.4f} as recorded"
    else:
        recorded = f"{made.validation.accuracy:.4f}" if made.validation else "unknown"
        told = f"validation {accuracy:.4f}, recorded {recorded}"
    if hashlib.sha256(target.read_bytes()).hexdigest() == made.csv_sha256:
        return [f"reproduce: {shown} equals {name}.csv, byte for byte; {told}"]
    lines = [f"reproduce: {shown} differs from {name}.csv; {told}"]
    first = paths.submission(name)
    if first.is_file():
        again = submission_csv.read(target, ids, competition)
        differ = int((again != submission_csv.read(first, ids, competition)).sum())
        lines.append(f"  {differ:,} of {len(again):,} labels differ")
    changed = _changed(context, made, name)
    return [*lines, f"  made with {', '.join(changed)}" if changed else "  no difference is recorded"]


def _changed(context: RunContext, made: Recipe, name: str) -> list[str]:
    """What the recipe says that it was made with, or that its trials were, where that is different here.

    What it does not say is left out: an older catwalk recorded less, and only a checkout has a commit.
    """
    from catwalk.search import study, trial_record

    paths, versions = context.paths, study.versions()
    then = {**made.versions, "processor": made.processor, "split": made.split}
    now = {**versions, "processor": provenance.processor(), "split": context.prepared.split}
    commit = provenance.git_commit(paths.root)
    if made.git_commit is not None and commit is not None:
        then["commit"], now["commit"] = made.git_commit, commit
    changed = [f"{key} {then[key]} (here {now[key]})" for key in now if then.get(key, now[key]) != now[key]]
    trials, chosen = list[trial_record.TrialRecord](), {one.number for one in made.trials}
    with contextlib.suppress(OSError, ValueError, UserError):  # a recipe may be alone
        trials = [one for one in trial_record.read_snapshot(paths, name) if one.number in chosen]
    for key, here in versions.items():
        older = {one.versions[key] for one in trials if key in one.versions} - {here, then.get(key)}
        if older:
            changed.append(f"{key} {', '.join(sorted(older))} in its search (here {here})")
    return changed
