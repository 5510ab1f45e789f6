"""Study progress: for a local study, read from a file without Optuna; for a team's, from the study itself."""

from dataclasses import replace

from catwalk.core.paths import Paths
from catwalk.data.prepare import Prepared
from catwalk.search import progress
from catwalk.search.progress import Progress


def known(paths: Paths, prepared: Prepared, scope: str) -> tuple[str | None, Progress]:
    """The study's key (None if it is unknown) and its progress.

    A team's study is read itself: others may have continued it. Seconds are only this member's.
    """
    if paths.team is None:
        name, state = progress.study_name(paths, prepared, scope), progress.read(paths)
        return (name, state[name]) if name in state else (None, progress.NOTHING)
    from catwalk.search import study

    opened = study.load(paths, prepared, scope)
    if opened is None:
        return None, progress.NOTHING
    key, best = study.key(opened), study.complete(opened)[:1]
    spent = progress.read(paths).get(key, progress.NOTHING)
    # When it began is known for this member only; its key has an id.
    count = len(study.finished(opened))
    return key, replace(spent, finished=count, best=best[0].value if best else None, began="")
