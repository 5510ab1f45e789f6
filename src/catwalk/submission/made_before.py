"""Made before: finds the submission that was made from the same things, and refuses one made from others.

Its files count, not only its recipe: a CSV that was changed since it was made is no longer that submission.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace

from catwalk.core import advice, records
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.data.prepare import Prepared
from catwalk.submission import recipe, submission_names
from catwalk.submission.recipe import Recipe

CHANGED = "changed since it was made: the accuracies in its recipe are not this file's"


def find(paths: Paths, name: str | None, is_same: Callable[[Recipe], bool], made_from: str) -> str | None:
    """The newest submission that is the same, with its CSV and probabilities; None if there is none.

    Args:
        paths: the competition's.
        name: asked for; None: any.
        is_same: whether a submission with this recipe is.
        made_from: what others are made from, for people.

    Raises:
        UserError: the name asked for is taken by another submission, by one whose files were changed, or by
            files that are no submission of catwalk's; or it can't be a file's name.
    """
    submission_names.check_name(name)
    made = submission_names.names(paths)
    if name is not None and name not in made:
        require_free(paths, name)
    asked = made if name is None else [name] if name in made else []
    same = {one: there for one, there in recipe.known(paths, asked).items() if is_same(there)}
    if name is not None and name in made and not same:
        raise taken(paths, name, made_from)
    damage = {one: damage_of(paths, one, there) for one, there in same.items()}
    if name is not None and (wrong := damage.get(name)):
        raise UserError(wrong, where=f"NAME={name}", fix=advice.CHOOSE_NAME)
    whole = [one for one, wrong in damage.items() if wrong is None]
    return whole[-1] if whole else None


def damage_of(paths: Paths, name: str, made: Recipe) -> str | None:
    """What a submission's files lack to be the one that its recipe describes; None: nothing."""
    csv, test = paths.submission(name), paths.test_predictions(name)
    if not _is_made(made, hashlib.sha256(csv.read_bytes()).hexdigest()):
        return f"{paths.shown(csv)} was changed since it was made"
    return None if test.is_file() else f"{paths.shown(test)} is missing"


def _is_made(made: Recipe, digest: str) -> bool:
    """Whether a CSV with this sha256 is the one that was made, as far as the recipe says."""
    return made.csv_sha256 in ("", digest)


def of_these_bytes(made: Recipe, digest: str) -> Recipe:
    """The recipe, without accuracies if a CSV with this sha256 is not the one that was made."""
    return made if _is_made(made, digest) else replace(made, validation=None, forecast=None)


def taken(paths: Paths, name: str, made_from: str) -> UserError:
    """The error where a submission of this name was made from others; ``made_from`` as for ``find``."""
    return UserError(
        f"{paths.shown(paths.submission(name))} already exists, made from other {made_from}",
        where=f"NAME={name}",
        fix=advice.CHOOSE_NAME,
    )


def is_equal(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes made the same submission; its time, and what was sent or graded, may differ."""
    left, right = (
        records.encode(replace(made, created="", csv_sha256="", sent=(), graded=())) for made in (one, other)
    )
    return left == right


def is_of_study(made: Recipe, began: str) -> bool:
    """Whether a submission is of the study that began then; others may have had its name.

    As in a folder that was renamed, or that was put back. Where one of the two does not say when its study
    began, as of a team, a submission that was made before is not of it.
    """
    return made.began == began if made.began and began else made.created >= began


def require_free(paths: Paths, name: str) -> None:
    """Check that nothing of this name is there, or only what an interrupted run has left.

    Raises:
        UserError: a file or a folder is there that catwalk did not begin to write.
    """
    folder = paths.submission_folder(name)
    if paths.unfinished(name).is_file():
        return
    for path in (paths.submission(name), paths.recipe(name), folder):
        is_empty = path == folder and folder.is_dir() and not any(folder.iterdir())
        if not is_empty and (path.exists() or path.is_symlink()):
            raise UserError(
                f"{paths.shown(path)} is there already, and is not replaced",
                where=f"NAME={name}",
                fix=advice.CHOOSE_NAME,
            )


def require_these_rows(made: Recipe, name: str, prepared: Prepared) -> None:
    """Check that a submission was made for the test rows that are prepared here.

    Raises:
        UserError: it was made for others, even if they have the same ids.
    """
    if made.test_fingerprint != prepared.test_fingerprint:
        raise UserError(
            f"{name} was made for other test rows than those prepared here",
            fix=advice.BLEND_AGAIN if made.parts else advice.PREDICT_AGAIN,
        )
