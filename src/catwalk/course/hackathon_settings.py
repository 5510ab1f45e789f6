"""Hackathon settings: what the notebook's first cell sets, and whether Kaggle's sessions are long enough."""

import argparse
from dataclasses import dataclass, field
from datetime import datetime

from catwalk import option_values
from catwalk.core.errors import UserError
from catwalk.search import limits

NEVER_NONE = ("source", "seed", "features", "models", "folds")  # None gives them their default
SESSION = 12 * 3600.0  # seconds after which Kaggle ends a session


@dataclass(frozen=True)
class Settings:
    """The settings of the notebook's first cell.

    Attributes:
        competition: "auto": the attached data decide (see ``hackathon.resolved``); or a name; of a class's
            own, where ``toml`` or an attached ``<name>.toml`` describes it, or its data are attached.
        source: "auto": attached or uploaded files, else what the competition's TOML names; a folder, a zip
            or a CSV; or kaggle, debian, keras, sklearn.
        budget: wall-clock time of the search, as "10m".
        until: instead, a time of today by this machine's clock, as "14:40".
        seed, features, models, folds: as SEED=, FEATURES=, MODELS= and FOLDS=.
        workers: processes; None: as many as ``limits.workers`` says.
        keep: a folder that outlives the session, from which the search can be continued; None: none.
        toml: the text of a competition of one's own; None: it is one that catwalk knows, or attached.
        decide: what the attached files leave in doubt, such as {"LABEL": "kind", "TRANSPOSE": "true"}.
    """

    competition: str
    source: str = "auto"
    budget: str | None = "10m"
    until: str | None = None
    seed: int = 1
    features: str = "auto"
    models: str = "dense"
    folds: str = "auto"
    workers: int | None = None
    keep: str | None = None
    toml: str | None = None
    decide: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Give a setting its default for None, which other settings have in the first cell."""
        for name in NEVER_NONE:
            if getattr(self, name) is None:
                object.__setattr__(self, name, getattr(Settings, name))

    def options(self, source: str) -> list[str]:
        """The command-line options for ``catwalk all``."""
        given = {
            "competition": self.competition,
            "source": source,
            "budget": None if self.until else self.budget,
            "until": self.until,
            "seed": self.seed,
            "features": self.features,
            "models": self.models,
            "folds": self.folds,
            "workers": self.workers,
            **{name.lower(): value for name, value in self.decide.items()},
        }
        return [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value is not None]


def too_long(settings: Settings, now: datetime) -> str | None:
    """The line about a run that Kaggle would end before it is finished; None for a shorter one.

    Args:
        settings: of the run.
        now: local time.
    """
    given = f"UNTIL={settings.until}" if settings.until else f"BUDGET={settings.budget}"
    try:
        if settings.until:
            search = limits.seconds_until(str(settings.until), now)
        else:
            search = option_values.duration(str(settings.budget or limits.USUAL))
    except (UserError, argparse.ArgumentTypeError):
        return None  # the command says what is wrong with it
    if search + limits.refit_seconds(search) + limits.AFTER_SEARCH <= SESSION:
        return None
    return (
        f"{given}: Kaggle ends a session after 12 hours, and a run that is not finished by then leaves "
        'nothing: set BUDGET = "11h" at most'
    )
