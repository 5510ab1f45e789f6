"""openHPI: has a submission's networks graded by the openHPI course, through the course's own package.

The networks stay here: the grader sends pictures and gets classes back, by kerasltisubmission's LTIProvider.
"""

import logging
import os
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from catwalk.core import advice, extras, terminal
from catwalk.core.errors import NetworkError, UserError, shown
from catwalk.core.http_timeout import TIMEOUT, time_limit
from catwalk.core.paths import Paths
from catwalk.data.competition import Competition
from catwalk.submission import recipe
from catwalk.submission.kept_networks import predict_proba
from catwalk.submission.recipe import GraderResult, Recipe
from catwalk.submission.submit import Request, confirm

NAME = "openhpi"  # as TO= names it
TOKEN, ADDRESS = "OPENHPI_TOKEN", "OPENHPI_URL"
GRADER = "https://neuralnet.xopic.de/ltiprovider"  # the course's, unless OPENHPI_URL says another

Say = Callable[[str], None]


def run(paths: Paths, competition: Competition, name: str, request: Request, say: Say) -> None:
    """Let the grader test the submission's networks; show accuracy and grade, and store them in the recipe.

    Raises:
        UserError: there is no token or assignment, nobody could be asked, or the grader refuses them.
        NetworkError: the grader can't be reached or failed, or the course's package can't be installed.
    """
    assignment = request.assignment
    if assignment is None:
        raise UserError("no assignment given", fix="set ASSIGNMENT=<id>, from the exercise's page")
    made = recipe.read(paths, name)
    if made.validation is None or made.parts:
        what = "a blend has no networks of its own that the grader could test"
        raise UserError(what, where=name, fix="choose one with networks by SUBMISSION=")
    address = os.environ.get(ADDRESS) or GRADER
    accuracy = made.validation.accuracy
    shown = urlsplit(address).hostname or "?"
    again = ", without the refitted ones" if made.refit else ""
    say(f"submit: the chosen networks of {name}{again} ({accuracy:.4f} on validation)")
    say(f"  to assignment {assignment} at {shown}")
    if request.dry:
        say("submit: DRY=1, nothing was sent")
        return
    confirm(request.yes)
    token = _token()
    extras.ensure("kerasltisubmission", say)
    model = _Answering(paths, competition, made)
    found = _graded(address, token, assignment, model)
    say(f"submit: the grader found an accuracy of {found['accuracy']:.2f} and gave {found['grade']:.2f}")
    recipe.add_graded(paths, name, GraderResult(NAME, assignment, found["accuracy"], found["grade"]))


def _token() -> str:
    token = os.environ.get(TOKEN)
    if not token and sys.stdin.isatty():
        token = terminal.ask("token from the exercise's page (not shown as you type): ", hidden=True)
    if not token:
        raise UserError("no token", fix=f"put the one from the exercise's page into {TOKEN}")
    return token.strip()


class _Answering:
    """The model for the course's package: the average of the submission's networks.

    Args:
        paths: the competition's.
        competition: its classes and shape.
        made: the submission's recipe.
    """

    def __init__(self, paths: Paths, competition: Competition, made: Recipe) -> None:
        self._paths, self._competition, self._made = paths, competition, made

    def predict(self, pictures: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """(rows, highest label + 1) float32: probabilities by label, as the grader numbers classes.

        Args:
            pictures: (rows, ...) of any shape with as many values as ours; 0 to 255, or 0 to 1.

        Raises:
            UserError: they have another number of values.
        """
        values = np.asarray(pictures, np.float32).reshape(len(pictures), -1)
        if values.shape[1] != self._competition.pixels:
            raise UserError(
                f"the grader sends pictures of {values.shape[1]} values, but {self._competition.name} has "
                f"{self._competition.pixels}",
                fix="choose another ASSIGNMENT= or COMPETITION=",
            )
        if values.max(initial=0) <= 1:
            values = values * 255
        said = predict_proba(self._paths, self._made, np.rint(values).astype(np.uint8))
        labels = np.asarray(self._competition.labels)
        by_label = np.zeros((len(said), labels.max() + 1), np.float32)
        by_label[:, labels] = said
        return by_label


def _graded(address: str, token: str, assignment: str, model: _Answering) -> dict[str, float]:
    """Accuracy and grade from the grader, obtained by the course's package."""
    from kerasltisubmission.exceptions import (
        KerasLTISubmissionBadResponseException,
        KerasLTISubmissionBaseException,
        KerasLTISubmissionConnectionFailedException,
    )
    from kerasltisubmission.provider import LTIProvider

    logging.getLogger("kerasltisubmission").propagate = False  # it logs what it then raises
    grader = LTIProvider(address, f"{address}/submit", token)
    try:
        with time_limit():
            results = grader.submit(SimpleNamespace(assignment_id=assignment, model=model), verbose=False)
    except KerasLTISubmissionBadResponseException as error:
        reason = shown(str(error.message or "no reason given").replace(token, "<token>"))
        kind = UserError if error.return_code in (200, 400, 401, 403, 404) else NetworkError
        raise kind(
            f"the grader refused ({error.return_code}): {reason}", fix=f"correct ASSIGNMENT= or {TOKEN}"
        ) from None
    except KerasLTISubmissionConnectionFailedException:
        raise NetworkError(
            f"the grader at {urlsplit(address).hostname} can't be reached, "
            f"or does not answer within {TIMEOUT} s",
            fix=advice.TRY_LATER,
        ) from None
    except (KerasLTISubmissionBaseException, TypeError, KeyError) as error:  # it trusts what it is sent
        raise NetworkError(f"the grader failed ({type(error).__name__})", fix=advice.TRY_LATER) from None
    (found,) = results.values()
    return dict(found)
