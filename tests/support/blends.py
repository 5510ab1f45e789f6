"""Parts to blend: real models on the digits, quick to fit, with predictions as a teammate has them."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from catwalk.core.paths import Paths
from catwalk.data import download, picture_hashes, prepare
from catwalk.data.prepare import Prepared
from catwalk.submission import predictions, recipe, submission_csv
from catwalk.submission.predictions import Predictions
from tests.conftest import digits_paths, load
from tests.support.records import made_recipe

# What each model sees of a picture: two that err differently, and a worse one.
VIEWS = {"upper": np.arange(40), "lower": np.arange(24, 64), "narrow": np.arange(3, 64, 8)}
LABELS = tuple(map(str, range(10)))


@dataclass(frozen=True)
class Said:
    """What a model predicts: (rows, 10) float32 for the validation rows, and for the test rows."""

    oof: npt.NDArray[np.float32]
    test: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Team:
    """A project with the digits prepared, and what each model predicts there."""

    paths: Paths
    prepared: Prepared
    said: dict[str, Said]

    def copy(self, root: Path) -> "Team":
        """The same in another folder, to write to."""
        shutil.copytree(self.paths.root, root)
        return Team(Paths(root, "digits"), self.prepared, self.said)

    def predictions(
        self, name: str, rows: npt.NDArray[np.int32] | None = None
    ) -> tuple[Predictions, Predictions]:
        """A model's ``oof.npz`` (of some of the validation rows) and ``test.npz``."""
        prepared, said = self.prepared, self.said[name]
        kept = np.arange(len(said.oof)) if rows is None else rows
        numbers = prepared.validation[kept]
        oof = Predictions(picture_hashes.of(prepared.pixels[numbers]), said.oof[kept], LABELS, numbers)
        return oof, Predictions(picture_hashes.of(prepared.test_pixels), said.test, LABELS)

    def submit(self, name: str, model: str | None = None, rows: npt.NDArray[np.int32] | None = None) -> None:
        """Write a model's submission, by default of the same name."""
        oof, test = self.predictions(model or name, rows)
        paths, prepared = self.paths, self.prepared
        predictions.write(paths.oof(name), oof)
        predictions.write(paths.test_predictions(name), test)
        said = test.probabilities.argmax(axis=1)
        submission_csv.write(paths.submission(name), prepared.test_ids, said, load("digits"))
        changes = {"fingerprint": prepared.fingerprint, "test_fingerprint": prepared.test_fingerprint}
        recipe.write(paths, name, made_recipe(**changes))

    def csv(self, file: str, model: str, header: str = "", sep: str = ",") -> Path:
        """Write a model's test probabilities as Kagglers do."""
        head = header or ",".join(["ImageId", *LABELS])
        rows = zip(self.prepared.test_ids, self.said[model].test.tolist(), strict=True)
        lines = [sep.join([id_, *(f"{value:.6f}" for value in row)]) for id_, row in rows]
        return self.text(file, head.replace(",", sep), lines)

    def labels(self, file: str, labels: npt.NDArray[np.integer]) -> Path:
        """Write a CSV of labels alone."""
        rows = zip(self.prepared.test_ids, labels, strict=True)
        return self.text(file, "ImageId,Label", [f"{id_},{label}" for id_, label in rows])

    def text(self, file: str, header: str, lines: list[str]) -> Path:
        """Write a text file of the project."""
        path = self.paths.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
        return path


def with_submissions(root: Path, raw: Path) -> Team:
    """``team``, with a submission of each model."""
    made = team(root, raw)
    for name in made.said:
        made.submit(name)
    return made


def team(root: Path, raw: Path) -> Team:
    """Fit the models on the training rows."""
    paths = digits_paths(root, raw)
    download.run(paths, load("digits"), "auto", lambda _: None)
    prepare.run(paths, load("digits"), 1, lambda _: None)
    prepared = prepare.load(paths, 1)
    said = {}
    for name, view in VIEWS.items():
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1)
        model.fit(prepared.pixels[prepared.train][:, view], prepared.labels[prepared.train])
        rows = prepared.pixels[prepared.validation], prepared.test_pixels
        oof, test = (model.predict_proba(part[:, view]).astype(np.float32) for part in rows)
        said[name] = Said(oof, test)
    return Team(paths, prepared, said)
