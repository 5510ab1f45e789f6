"""augment_change.py: who changes augment after the first search is told what follows it.

Also: shape_change.py.
"""

import os
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import optuna
import pytest

from catwalk.core import terminal
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.core.team import Team
from catwalk.data.prepare import Prepared
from catwalk.data.run_context import RunContext
from catwalk.search import augment_change, first_trials, progress, search, shape_change, storage, study
from catwalk.search.limits import Limits
from tests.conftest import load

PREPARED = cast(Prepared, SimpleNamespace(fingerprint="aaaa", split="s1"))
SCOPE = "local"
CHANGED = (
    "search: augment has changed in competitions/digits.toml since this study began: to train the first "
    "networks with it, rename the study's folder: mv data/digits/study data/digits/study-1"
)


class Runs:
    """Searches of one project, each with its own ``augment`` in the TOML."""

    def __init__(self, root: Path) -> None:
        self.paths = Paths(root, "digits")
        self.said: list[str] = []
        self.begun: list[optuna.Study] = []

    def context(self, *augment: str) -> RunContext:
        competition = replace(load("digits"), augment=augment)
        return RunContext(self.paths, competition, PREPARED, 1, SCOPE, self.said.append)

    def begin(self, *augment: str, is_try: bool = False) -> optuna.Study:
        """What a search does before it trains."""
        self.said.clear()
        opened = study.create(self.paths, PREPARED, SCOPE)
        self.begun.append(opened)
        shape_change.check(self.context(*augment), opened)
        search._enqueue_first(opened, self.context(*augment), None, is_try)
        return opened

    def follow(self, advice: str) -> None:
        """Run the command at the end of a line, as the user does when no search has the file open."""
        for opened in self.begun:
            storage.backend(opened).engine.dispose()
        subprocess.run(shlex.split(advice.split(": ")[-1]), cwd=self.paths.root, check=True)

    def ask_again(self, *augment: str) -> list[str]:
        """What a search says that is done, but for that."""
        self.said.clear()
        search.run(self.context(*augment), Limits(None, 3), 1, 0.0)
        assert self.said[0].startswith("search: already done, 3 trials")
        return self.said[1:]


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def flipped(opened: optuna.Study) -> set[int]:
    """Whether the queued networks of the portfolio mirror pictures."""
    waiting = [trial for trial in study.waiting(opened) if trial.user_attrs["kind"].startswith("portfolio")]
    return {trial.system_attrs["fixed_params"]["flip"] for trial in waiting}


def test_a_change_is_said_and_the_advice_works(runs: Runs) -> None:
    assert flipped(runs.begin("shift")) == {0}
    assert runs.said == []
    runs.begin("shift")
    assert runs.said == []
    assert flipped(runs.begin("shift", "flip")) == {0}
    assert runs.said == [CHANGED]
    runs.follow(CHANGED)
    assert flipped(runs.begin("shift", "flip")) == {1}
    assert runs.said == []
    runs.begin("flip", "shift")
    assert runs.said == [], "their order means nothing"
    runs.begin("shift")
    assert runs.said == [CHANGED.replace("study-1", "study-2")], "nothing is moved into the first one"
    assert (runs.paths.root / "data/digits/study-1/study.db").is_file()


def test_nothing_is_said_where_the_first_networks_stay_as_they_are(runs: Runs) -> None:
    """Dense ones are mirrored, and warped where elastic is allowed; the sampler uses the others."""
    opened = runs.begin("shift")
    for augment in ((), ("rotate", "zoom", "erase")):
        runs.begin(*augment)
        assert runs.said == []
        conv = replace(runs.context(*augment), scope="local.conv")
        assert augment_change.lines(conv, opened) == [CHANGED], "convolutional ones are shifted"
    runs.begin("shift", "elastic")
    assert runs.said == [CHANGED]


def test_it_is_said_of_a_search_that_is_done(runs: Runs) -> None:
    """Without Optuna, which takes a second to import, unless the TOML is newer than what was searched."""
    key = study.key(runs.begin("shift"))
    progress.write(runs.paths, key, replace(progress.NOTHING, spent=60.0, finished=3))
    toml = runs.paths.toml
    toml.parent.mkdir()
    toml.touch()
    searched = runs.paths.progress.stat().st_mtime
    os.utime(toml, (searched + 9, searched + 9))
    assert runs.ask_again("shift") == []
    assert runs.ask_again("shift", "flip") == runs.ask_again("shift", "flip") == [CHANGED]
    os.utime(toml, (searched - 9, searched - 9))
    assert runs.ask_again("shift", "flip") == []


def test_a_notebook_has_no_shell_for_it(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another seed a new study begins beside this one, in the same file."""
    runs.begin("shift")
    monkeypatch.setenv(terminal.NOTEBOOK, "1")
    runs.begin("flip")
    assert runs.said == [CHANGED.split("rename")[0] + "set SEED to another number"]
    other = cast(Prepared, SimpleNamespace(fingerprint="aaaa", split="s2"))
    assert study.load(runs.paths, other, SCOPE) is None


def reshaped(context: RunContext, *shape: int) -> RunContext:
    return replace(context, competition=replace(context.competition, shape=shape))


@pytest.mark.parametrize("is_try", [False, True])
def test_a_corrected_shape_needs_a_new_study(runs: Runs, is_try: bool) -> None:
    """Also after a try alone, and where the search is done: its networks see the pictures wrongly."""
    opened = runs.begin("shift", is_try=is_try)
    state = replace(progress.NOTHING, spent=60.0, finished=3)
    progress.write(runs.paths, study.key(opened), state)
    runs.paths.toml.parent.mkdir()
    runs.paths.toml.touch()
    later = runs.paths.progress.stat().st_mtime + 9
    os.utime(runs.paths.toml, (later, later))
    assert runs.ask_again("shift") == []
    shape_change.check(reshaped(runs.context("shift"), 8, 8, 1), opened)
    other = reshaped(runs.context("shift"), 4, 16)
    with pytest.raises(UserError) as error:
        search.run(other, Limits(None, 3), 1, 0.0)
    with pytest.raises(UserError) as again:
        shape_change.check(other, opened)
    assert str(again.value) == str(error.value) == (
        "competitions/digits.toml: shape is [4, 16], but the networks of this study were trained with "
        "[8, 8]: rename the study's folder: mv data/digits/study data/digits/study-1"
    )  # fmt: skip
    runs.follow(error.value.fix)
    new = study.create(runs.paths, PREPARED, SCOPE)
    shape_change.check(other, new)
    assert new.user_attrs == {shape_change.SHAPE: [4, 16]}


def test_a_shape_that_is_not_known_is_not_refused(runs: Runs) -> None:
    """Of a study that an older catwalk began; a team's keeps none."""
    opened = study.create(runs.paths, PREPARED, SCOPE)
    first_trials.enqueue_once(opened, "softmax", {})
    other = reshaped(runs.context("shift"), 4, 16)
    for context in (other, runs.context("shift")):
        shape_change.check(context, opened)
    new = study.create(replace(runs.paths, competition="mnist"), PREPARED, SCOPE)
    team = replace(runs.paths, team=Team("postgresql://u@h/d", "ann"))
    shape_change.check(replace(other, paths=team), new)
    assert shape_change.SHAPE not in new.user_attrs


def test_nothing_is_said_where_nothing_is_known(runs: Runs) -> None:
    """Of a study that an older catwalk began; after a try alone, nothing of the portfolio is queued."""
    runs.begin("shift", is_try=True)
    opened = runs.begin("flip")
    assert (runs.said, flipped(opened)) == ([], {1})
    runs.begin("shift")
    assert runs.said == [CHANGED]
    older = study.create(replace(runs.paths, competition="mnist"), PREPARED, SCOPE)
    first_trials.enqueue_once(older, "portfolio 1", {"flip": 0})
    context = runs.context("flip")
    augment_change.remember(context, older)
    assert augment_change.lines(context, older) == []


def test_a_team_s_study_is_not_one_member_s_to_begin_anew(runs: Runs) -> None:
    opened = runs.begin("shift")
    team = replace(runs.paths, team=Team("postgresql://u@h/d", "ann"))
    assert augment_change.lines(replace(runs.context("flip"), paths=team), opened) == []
