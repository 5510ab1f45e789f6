"""Two submissions for the digits, answered by the nearest pictures instead of a search, and their score."""

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from catwalk.core.paths import Paths
from catwalk.data import download, prepare
from catwalk.models import metrics
from catwalk.submission import recipe, score, submission_csv
from catwalk.submission.forecast import Forecast
from tests.conftest import load
from tests.support.records import made_recipe

Made = tuple[Paths, Any]


def made_of(paths: Paths) -> Made:
    """Download, prepare, and submit twice: the label of the nearest of all pictures, and of 40."""
    download.run(paths, load("digits"), "auto", lambda _: None)
    prepare.run(paths, load("digits"), 1, lambda _: None)
    prepared = prepare.load(paths, 1)
    for name, rows in (("all", prepared.train), ("few", prepared.train[:40])):
        model = KNeighborsClassifier(1).fit(prepared.pixels[rows], prepared.labels[rows])
        said = model.predict(prepared.test_pixels)
        right = model.predict(prepared.pixels[prepared.validation]) == prepared.labels[prepared.validation]
        submission_csv.write(paths.submission(name), prepared.test_ids, said, load("digits"))
        share = float(right.mean())
        interval = metrics.wilson(share, len(right))
        before = made_recipe()
        assert before.validation is not None
        recipe.write(paths, name, replace(
            before, test_fingerprint=prepared.test_fingerprint, split=prepared.split,
            validation=replace(before.validation, accuracy=share, interval=interval),
            forecast=Forecast(share, interval, 0.0), test_known=prepared.duplicates["known"],
        ))  # fmt: skip
    return paths, np.array(submission_csv.read(paths.submission("all"), prepared.test_ids, load("digits")))


def looked(paths: Paths, name: str, **changed: Any) -> list[str]:
    lines: list[str] = []
    score.run(paths, replace(load("digits"), **changed), name, lines.append)
    return lines
