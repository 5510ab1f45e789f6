"""Other results: what report says of those that the submission which it presents does not show."""

import contextlib

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.data import folds as data_folds
from catwalk.data import prepare
from catwalk.data.competition import Competition
from catwalk.data.run_context import RunContext
from catwalk.models import features
from catwalk.search import progress
from catwalk.submission import predict, recipe, submission_names
from catwalk.submission.recipe import Recipe

VARIABLES = ("SEED", "FEATURES", "MODELS", "FOLDS")


def line(paths: Paths, competition: Competition, name: str, asked: dict[str, str]) -> str | None:
    """A line where what is presented is not of what was asked for, or of the study that was searched last.

    Args:
        paths: the competition's.
        competition: its TOML.
        name: of the submission that is presented.
        asked: the values of ``VARIABLES`` that were typed.
    """
    with contextlib.suppress(UserError, OSError):  # without these files, nothing is said
        if "FEATURES" in asked:  # of small pictures both are the same
            is_pixels = features.resolve(asked["FEATURES"], competition.shape) == "pixels"
            asked = asked | {"FEATURES": "pixels" if is_pixels else "auto"}
        return _asked_for_others(paths, name, asked) or _searched_later(paths, competition, name, asked)
    return None


def _asked_for_others(paths: Paths, name: str, asked: dict[str, str]) -> str | None:
    """A line where the submission is of other values than those that were typed."""
    is_of = _values(paths, recipe.read(paths, name), asked)
    wrong = [one for one in asked if is_of[one] != asked[one]]
    if not wrong:
        return None
    theirs, ours = (" ".join(f"{one}={of[one]}" for one in wrong) for of in (is_of, asked))
    others = recipe.known(paths, submission_names.names(paths)[::-1])
    fitting = [one for one, made in others.items() if not made.parts and _values(paths, made, asked) == asked]
    command = f"make report SUBMISSION={fitting[0]}" if fitting else "make predict"
    return f"report: {name} is of {theirs}; for a submission of {ours}: {command}"


def _values(paths: Paths, made: Recipe, asked: dict[str, str]) -> dict[str, str]:
    """A submission's values of the variables that were typed."""
    values = progress.variables(made.study)
    if "FOLDS" in asked:
        split = progress.parts(made.fold_study)[2] if made.fold_study else ""
        count = int(split.partition("f")[2] or 1)
        wanted = data_folds.possible(prepare.load(paths, made.seed), int(asked["FOLDS"]))
        values["FOLDS"] = asked["FOLDS"] if count == wanted else str(count)
    return {one: values[one] for one in asked}


def _searched_later(paths: Paths, competition: Competition, name: str, asked: dict[str, str]) -> str | None:
    """A line where the study that was searched last has trials that the submission was not made from."""
    if paths.team is not None:  # its server would have to be asked
        return None
    key, state = _searched_last(paths, asked)
    if not key:
        return None
    scope, values = progress.parts(key)[3], progress.variables(key)
    context = RunContext.load(paths, competition, int(values["SEED"]), scope)
    prepared, made = context.prepared, recipe.read(paths, name)
    ours = progress.study_name(paths, prepared, scope), prepared.test_fingerprint
    if ours != (key, made.test_fingerprint):  # one of the two is of other rows
        return None
    done = predict.is_done(context, None, int(asked.get("FOLDS", state.folds)))
    if done == name:
        return None
    usual = {"SEED": "1", "FEATURES": "auto", "MODELS": "dense"}
    choice = "".join(f" {one}={values[one]}" for one in usual if values[one] != usual[one])
    command = f"make report SUBMISSION={done}" if done else f"make predict{choice}"
    return f"report: {name} lacks trials of the study that was searched last; for one with them: {command}"


def _searched_last(paths: Paths, asked: dict[str, str]) -> tuple[str, progress.Progress]:
    """The study that later stages follow, of those with these values: key ("" if there is none) and state."""
    for key, state in progress.latest(paths):
        values = progress.variables(key)
        is_asked = all(values.get(one, asked[one]) == asked[one] for one in asked)
        if is_asked and not data_folds.is_of_folds(progress.parts(key)[2]):
            return key, state
    return "", progress.NOTHING
