"""Study progress: how far a search is; this folder's is known without Optuna, a team's study is asked."""

from typing import Any

from catwalk.core.paths import Paths
from catwalk.data.prepare import Prepared
from catwalk.search import progress


def known(paths: Paths, prepared: Prepared, features: str) -> tuple[str | None, dict[str, Any]]:
    """The study's key (None where nothing is known of it), and what ``progress.read`` has of it.

    A team's is asked itself: others may have gone on. Seconds are what this member spent here.
    """
    if paths.team is None:
        name, everything = progress.study_name(paths, prepared, features), progress.read(paths)
        return (
            (name, {**progress.NOTHING, **everything[name]})
            if name in everything
            else (None, progress.NOTHING)
        )
    from catwalk.search import study

    opened = study.load(paths, prepared, features)
    if opened is None:
        return None, progress.NOTHING
    key, best = study.key(opened), study.complete(opened)[:1]
    state = {"finished": len(study.finished(opened)), "best": best[0].value if best else None}
    return key, {**progress.NOTHING, **progress.read(paths).get(key, {}), **state}
