"""Run context: what all parts of one run share; created once, after ``prepare``."""

from collections.abc import Callable
from dataclasses import dataclass

from catwalk.core.paths import Paths
from catwalk.data import prepare
from catwalk.data.competition import Competition
from catwalk.data.prepare import Prepared

Say = Callable[[str], None]


@dataclass(frozen=True)
class RunContext:
    """The context of one run of a stage.

    Attributes:
        paths: where the competition's files are.
        competition: its TOML.
        prepared: its arrays and the split.
        seed: SEED, of the split, the sampler and the networks; with ``scope`` it names the study.
        scope: what the study searches, see ``scope``.
        say: prints a line for the user.
        workers: WORKERS, how many processes may train at once; None: see ``limits.workers``.
    """

    paths: Paths
    competition: Competition
    prepared: Prepared
    seed: int
    scope: str
    say: Say = print
    workers: int | None = None

    @classmethod
    def load(
        cls, paths: Paths, competition: Competition, seed: int, scope: str, say: Say = print
    ) -> "RunContext":
        """Read what ``prepare`` wrote.

        Raises:
            UserError: this split is not prepared.
        """
        return cls(paths, competition, prepare.load(paths, seed), seed, scope, say)
