"""What each step of a prediction is worth: the best network, its mirror image, a family alone, the ensemble.

Used by ``benchmarks.folds`` on pseudo-tests, whose labels it knows. The networks are those that the search
has kept; nothing is trained here. So the mean of a network's weights over its last epochs can't be judged
here: a kept network has the mean, not the weights of its last step (``benchmarks.portfolio`` compares both).
"""

import contextlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catwalk.core import processes
from catwalk.core.paths import Paths
from catwalk.data import scope
from catwalk.data.prepare import Prepared
from catwalk.models import space
from catwalk.submission import chosen_trials, kept_networks
from catwalk.submission.recipe import Recipe


def steps(
    paths: Paths, made: Recipe, pixels: npt.NDArray[np.uint8], truth: npt.NDArray[np.integer]
) -> dict[str, float]:
    """Accuracy on the pseudo-test of what a submission is made from, each step with those before it.

    Args:
        paths: the competition's.
        made: the recipe of a submission that was not trained in folds.
        pixels: (rows, pixels) uint8, the pseudo-test's pictures.
        truth: (rows,), their labels.

    Returns:
        ``best``: the network with the highest validation accuracy, as it is kept: where it learned from
        mirrored pictures, it averages both. ``unmirrored``: the same without the average. ``ensemble``: the
        weighted mean of the search's networks, before any is trained again.
    """
    best = max(made.trials, key=lambda one: one.validation_accuracy).number
    both = processes.call(_with_and_without_mirror, paths.model(made.study, best), pixels)
    joined = kept_networks.predict_proba(paths, made, pixels)
    answers = dict(zip(("best", "unmirrored"), both, strict=True), ensemble=joined)
    return {name: float(np.mean(one.argmax(axis=1) == truth)) for name, one in answers.items()}


def of_families(
    paths: Paths,
    prepared: Prepared,
    made: Recipe,
    pixels: npt.NDArray[np.uint8],
    truth: npt.NDArray[np.integer],
) -> dict[str, float]:
    """Accuracy on the pseudo-test of each family alone, where a search had both.

    Of the ensemble that is chosen on the validation rows among this family's kept networks. Each family had a
    part of the search's time, so a search of it alone may reach more.

    Args:
        paths: the competition's.
        prepared: its arrays and split.
        made: as for ``steps``.
        pixels: as for ``steps``.
        truth: as for ``steps``.

    Returns:
        By the family; without one of which no network is kept.
    """
    from catwalk.search import study

    families = space.MODELS[made.models]
    if len(families) == 1:
        return {}
    opened = study.load(paths, prepared, scope.name(made.features, made.models))
    assert opened is not None
    found: dict[str, float] = {}
    for family in families:
        trials = [one for one in study.complete(opened) if space.family_in(one.params) == family]
        with contextlib.suppress(FileNotFoundError):  # none of it is kept
            chosen = chosen_trials.choose(paths, prepared, made.study, trials)
            networks = [(made.study, one.number) for one in chosen.trials]
            joined = kept_networks.average(paths, networks, chosen.ensemble, pixels)
            found[family] = float(np.mean(joined.argmax(axis=1) == truth))
    return found


def of_folds(paths: Paths, made: Recipe, truth: npt.NDArray[np.integer]) -> float | None:
    """Accuracy on the pseudo-test of the mean over all networks trained in folds, equally weighted.

    Also where the submission left them out, because the search's own ensemble was clearly better on the
    split's validation rows. None: none was trained.
    """
    files = sorted(paths.kept(made.fold_study).glob("trial-*.test-*.npy"))
    if not files:
        return None
    mean = np.mean([np.load(file) for file in files], axis=0)
    return float(np.mean(mean.argmax(axis=1) == truth))


def _with_and_without_mirror(
    file: Path, pixels: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    from catwalk.core import tensorflow_setup

    tensorflow_setup.setup()
    from catwalk.models import network

    model = network.load(file)
    inner = network.unmirrored(model)
    return network.probabilities(model, pixels), network.probabilities(inner, pixels)
