"""space.py: the one list of what a trial chooses from; whatever else names its rows reads it.

Also: portfolio.py.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

from catwalk import arguments
from catwalk.core.errors import UserError
from catwalk.data.competition import AUGMENTATIONS
from catwalk.models import portfolio, space
from tests.conftest import REPOSITORY, clean_environment

ROW = '    "sparkle": ("one of", [0.0, 0.25]),  # share of pixels that glitter\n'


def test_each_augmentation_is_one_that_a_toml_can_allow() -> None:
    """One that ``competition.AUGMENTATIONS`` lacks would be searched where the TOML allows none."""
    names = list(space.SPACE)
    assert tuple(names[names.index("mixup") + 1 :]) == AUGMENTATIONS


def test_a_new_row_is_seen_everywhere(tmp_path: Path) -> None:
    """In the command's help, in make's, as a variable of try, and in a trial."""
    shutil.copytree(
        REPOSITORY / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    shutil.copytree(REPOSITORY / "tools", tmp_path / "tools")
    (file,) = tmp_path.rglob("space.py")
    file.write_text(file.read_text().replace('    "mixup": ', f'{ROW}    "mixup": '))

    def run(*command: str) -> str:
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True,
            env=clean_environment(PYTHONPATH=str(tmp_path / "src"), COLUMNS="200"),
        ).stdout  # fmt: skip

    assert "--sparkle SPARKLE" in run(sys.executable, "-m", "catwalk", "try", "--help")
    assert "  SPARKLE                       for try: share of pixels that glitter: one of 0.0, 0.25" in run(
        "make"
    )
    assert "--sparkle '0.25'" in run("make", "-o", ".venv/installed", "-n", "try", "SPARKLE=0.25")
    code = (
        "import optuna; from catwalk.models import space; "
        "trial = optuna.create_study().ask(); "
        "print(space.suggest(trial)['sparkle'], 'sparkle' in trial.params)"
    )
    assert run(sys.executable, "-c", code).split() in (["0.0", "True"], ["0.25", "True"])


def test_make_s_help_has_every_row() -> None:
    said = subprocess.run(["make"], cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    for name in set(space.SPACE) - {"depth", "width_1", "width_2", "width_3"}:
        (line,) = (line for line in said.splitlines() if line.startswith(f"  {arguments.variable(name)} "))
        values = space.SPACE[name][1]
        assert str(values[-1]) in line or f"{values[-1]:.0e}".replace("e-0", "e-") in line, name


@pytest.mark.parametrize("scope", ["local", "pixels", "local.conv", "pixels.all"])
def test_what_comes_first_has_a_value_for_every_row(scope: str) -> None:
    """Baselines and portfolio; Optuna would choose for a row that they lack."""
    for kind, params in portfolio.first(scope, allowed=()):
        assert set(params) == set(space.SPACE), kind
        trial = optuna.trial.FixedTrial(params)
        assert space.suggest(trial, portfolio.scope_of(kind, scope), ()) == params


def test_a_further_baseline_comes_after_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [kind for kind, _ in portfolio.first("local.all", ())]
    monkeypatch.setitem(portfolio.BASELINES, "third", {**portfolio.PLAIN, "depth": 2})
    after = [kind for kind, _ in portfolio.first("local.all", ())]
    at = before.index("beginner") + 1
    assert after == [*before[:at], "third", *before[at:]]


def test_rows_of_convolutional_networks_have_their_prefix() -> None:
    """By which ``family_of`` knows them: without it a row among them would be of both families."""
    names = list(space.SPACE)
    conv = [i for i, name in enumerate(names) if name.startswith("conv_")]
    assert conv == list(range(conv[0], conv[-1] + 1))


def test_a_trial_chooses_what_its_family_has() -> None:
    """A study of dense networks only is as it was before there were others."""
    dense = optuna.create_study().ask()
    space.suggest(dense, "local", ())
    assert {"view", "depth"} < set(dense.params)
    assert not {name for name in dense.params if name == "family" or name.startswith("conv_")}
    conv = optuna.create_study().ask()
    assert space.suggest(conv, "local.conv", ())["family"] == "conv"
    assert {"conv_width", "conv_depth", "learning_rate"} < set(conv.params)
    assert not {"view", "depth", "width_1", "norm", "dropout"} & set(conv.params)
    narrow = [space.suggest(optuna.create_study().ask(), "local.conv", (), 24) for _ in range(20)]
    assert max(params["conv_width"] for params in narrow) <= 24
    assert space.chosen_batch({**narrow[0], "batch_size": 2048}) == space.CONV_BATCH
    both = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    families = {str(space.suggest(both.ask(), "local.all", ())["family"]) for _ in range(20)}
    assert families == {"dense", "conv"}


def test_a_study_from_before_families_is_of_dense_networks() -> None:
    before = {"depth": 2, "width_1": 512.0}
    assert space.family_in(before) == space.fill_defaults(before)["family"] == "dense"
    assert space.family_in({"family": "conv"}) == "conv"


def test_a_choice_by_hand_is_of_one_family() -> None:
    assert space.family_for({}, "local.all") == "dense"
    assert space.family_for({"batch_size": 64}, "local.conv") == "conv"
    assert space.family_for({"conv_width": 64}, "local.all") == "conv"
    with pytest.raises(UserError, match=r"DROPOUT=0\.1: "):
        space.family_for({"family": "conv", "dropout": 0.1}, "local.conv")
    with pytest.raises(
        UserError, match=r"CONV_WIDTH=64: .* to convolutional networks.*set MODELS=conv or MODELS=all"
    ):
        space.family_for({"conv_width": 64}, "local")
    with pytest.raises(UserError, match=r"CONV_WIDTH=64: .*choose parameters of one family"):
        space.family_for({"depth": 1, "conv_width": 64}, "local.all")
