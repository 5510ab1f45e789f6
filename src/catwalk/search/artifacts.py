"""Artifacts: a team's shared folder, where members find the networks that others trained."""

from collections import Counter
from typing import TYPE_CHECKING

from catwalk.core.paths import Paths, atomic_write
from catwalk.models import space
from catwalk.search.model_store import is_among_best

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial


def offer(paths: Paths, key: str, trial: "optuna.Trial", value: float) -> None:
    """Upload a network and its probabilities to the team's folder, if it is among the best.

    Args:
        paths: the competition's, with a team.
        key: the study's.
        trial: running, with its network kept.
        value: its validation accuracy.
    """
    if paths.team is None or paths.team.artifacts is None:
        return
    from optuna import artifacts

    from catwalk.search import study

    before = [other for other in study.complete(trial.study) if (other.value or 0.0) > value]
    better = Counter(space.family_in(other.params) for other in before)
    if not is_among_best(better, space.family_in(trial.params)):
        return
    store = artifacts.FileSystemArtifactStore(paths.team.artifacts)
    try:
        for file in (paths.model(key, trial.number), paths.probabilities(key, trial.number)):
            artifacts.upload_artifact(artifact_store=store, file_path=str(file), study_or_trial=trial)
    except OSError as error:  # the others train it again; the trial itself has not failed
        trial.set_user_attr("not_offered", str(error)[:200])


def fetch(paths: Paths, key: str, opened: "optuna.Study", trial: "FrozenTrial") -> bool:
    """Copy a trial's network and probabilities from the team's folder; returns whether both were found."""
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
            with atomic_write(file) as path:
                artifacts.download_artifact(
                    artifact_store=store, artifact_id=named[file.name], file_path=str(path)
                )
    except artifacts.exceptions.ArtifactNotFound:
        return False
    return True
