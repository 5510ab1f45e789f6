"""Blend: joins submissions, of one's own or of teammates, into a new submission.

Where all parts have out-of-fold rows, the weights are found on the labelled rows that all of them have, as
those of an ensemble's networks are; else they are equal. A part whose networks were chosen on the same rows
looks a little better there than it is. The blend's forecast does not know by how much: it allows only for the
choice of the parts' weights. The parts' networks are not needed, and test labels are never read.
"""

from collections.abc import Sequence
from importlib.metadata import version

from catwalk import __version__
from catwalk.core.paths import Paths
from catwalk.data import duplicates, kaggle_names
from catwalk.data.prepare import Prepared
from catwalk.data.run_context import RunContext
from catwalk.submission import blend_weights, made_before, predictions, provenance, recipe, submission_files
from catwalk.submission.blend_parts import LABELS, Part
from catwalk.submission.blend_weights import Blend
from catwalk.submission.recipe import Recipe


def run(context: RunContext, parts: Sequence[Part], name: str | None) -> str:
    """Write ``<name>.csv``, ``<name>.json`` and the probabilities, and return the name.

    Args:
        context: the competition and any split of it.
        parts: see ``blend_parts.locate``.
        name: of the new submission; None: the time and a hash of the recipe.

    Raises:
        UserError: the name is taken, or a part can't be joined; nothing is written.
    """
    if done := is_done(context.paths, context.prepared, parts, name):
        csv = context.paths.shown(context.paths.submission(done))
        context.say(f"blend: already done, {csv} is made from these parts")
        return done
    joined = blend_weights.join(context, parts)
    made = _recipe(context, joined)
    name = name or recipe.name_of(made)
    _write(context, name, joined, made)
    _report(context, name, joined)
    return name


def is_done(paths: Paths, prepared: Prepared, parts: Sequence[Part], name: str | None) -> str | None:
    """The blend already made of these parts; None if there is none.

    Raises:
        UserError: the name asked for is taken by another submission, or can't be a file's name.
    """
    files = [(part.sha256, part.oof_sha256) for part in parts]

    def is_same(made: Recipe) -> bool:
        of_parts = [(part.sha256, part.oof_sha256) for part in made.parts]
        return of_parts == files and _data(made) == (prepared.fingerprint, prepared.test_fingerprint)

    return made_before.find(paths, name, is_same, "parts")


def _data(made: Recipe) -> tuple[str, str]:
    return made.fingerprint, made.test_fingerprint


def _recipe(context: RunContext, joined: Blend) -> Recipe:
    prepared = context.prepared
    return Recipe(
        competition=context.competition.name,
        study="",
        features="",
        models="",
        seed=context.seed,
        fingerprint=prepared.fingerprint,
        test_fingerprint=prepared.test_fingerprint,
        split="",
        trials_finished=0,
        trials=(),
        parts=joined.parts,
        validation=joined.validation,
        forecast=joined.forecast,
        test_rows=len(prepared.test_ids),
        test_known=duplicates.count(prepared).known,
        versions={"catwalk": __version__, "numpy": version("numpy"), "scipy": version("scipy")},
        processor=provenance.processor(),
        git_commit=provenance.git_commit(context.paths.root),
        refit=(),
    )


def _write(context: RunContext, name: str, joined: Blend, made: Recipe) -> None:
    submission_files.begin(context.paths, name, made)
    if joined.oof is not None:
        predictions.write(context.paths.oof(name), joined.oof)
    submission_files.write_test(context, name, joined.test)
    submission_files.finish(context, name, joined.labels, made)


def _report(context: RunContext, name: str, joined: Blend) -> None:
    """What is known of the blend, a line for each part, and the next command."""
    csv = context.paths.shown(context.paths.submission(name))
    context.say(f"blend: {csv}, {len(joined.parts)} parts, {joined.how}{_accuracy(joined)}")
    width = max(len(part.given) for part in joined.parts)
    for part in joined.parts:
        own = part.validation_accuracy
        context.say(
            f"  {part.given:{width}}  {part.kind:13}  weight {part.weight:.3f}"
            + ("" if own is None else f"  {own:.4f} on validation")
        )
    certain = [part.given for part in joined.parts if part.kind == LABELS]
    if 0 < len(certain) < len(joined.parts):
        context.say(f"  labels alone, which count as certain: {', '.join(certain)}")
    is_worth_sending = kaggle_names.of_submissions(context.competition, None) is not None
    if certain and len(joined.parts) == 2:
        is_worth_sending = False
        context.say(
            f"  {certain[0]} has labels alone and decides every row, so this is a copy of it: for a blend "
            "give its folder with test.npz, or a third part"
        )
    if joined.validation is not None and joined.forecast is not None:
        context.say(joined.forecast.described())
        if joined.validation.accuracy <= joined.validation.best_single:
            is_worth_sending = False
            context.say("  that is not better than the best part alone")
    context.say(f"next: {f'make submit SUBMISSION={name}' if is_worth_sending else 'make leaderboard'}")


def _accuracy(joined: Blend) -> str:
    """The blend's accuracy, as the end of a line; what is missing where it is unknown."""
    if joined.validation is None:
        return "; so there is no forecast"
    low, high = joined.validation.interval
    return (
        f": {joined.validation.accuracy:.4f} on validation (95% interval {low:.4f} to {high:.4f}; "
        f"best part {joined.validation.best_single:.4f})"
    )
