"""Study progress: how far a search is; this folder's is known without Optuna, a team's study is asked."""

from dataclasses import replace

from catwalk.core.paths import Paths
from catwalk.data.prepare import Prepared
from catwalk.search import progress
from catwalk.search.progress import StudyProgress


def known(paths: Paths, prepared: Prepared, features: str) -> tuple[str | None, StudyProgress]:
    """The study's key (None where nothing is known of it), and what ``progress.read`` has of it.

    A team's is asked itself: others may have gone on. Seconds are what this member spent here.
    """
    if paths.team is None:
        name, state = progress.study_name(paths, prepared, features), progress.read(paths)
        return (name, state[name]) if name in state else (None, progress.NOTHING)
    from catwalk.search import study

    opened = study.load(paths, prepared, features)
    if opened is None:
        return None, progress.NOTHING
    key, best = study.key(opened), study.complete(opened)[:1]
    spent = progress.read(paths).get(key, progress.NOTHING)
    return key, replace(spent, finished=len(study.finished(opened)), best=best[0].value if best else None)
