"""What the pages say of the benchmarks' figures: of which program they are, what is compared, what is not.

Of performance.py, method_results.py, bench_report.py, scores.py, and what they get from folds.py, threads.py
and prediction.py.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks import bench_report, markdown, record  # others set TensorFlow up: in the tests


def flat(lines: Iterable[str]) -> str:
    """A section in one line."""
    return " ".join(" ".join(lines).split())


def of_folds(number: int, refitted: int = 0, count: int = 1, **more: Any) -> dict[str, Any]:
    """A split as ``benchmarks.folds`` keeps it; in ``more``, what only some have."""
    arm = {"test": 0.94, "validation": 0.94, "forecast": [0.93, 0.95], "folds": 1, "refitted": refitted}
    steps = {"best": 0.93, "unmirrored": 0.93, "ensemble": 0.94}
    return {"split": number, "folds": {**arm, "folds": count}, "refit": arm, "steps": steps, **more}


def of_threads(number: int, ahead: float, **more: Any) -> dict[str, Any]:
    """A split as ``benchmarks.threads`` keeps it; two workers are ahead on the pseudo-test alone."""
    two, one = ({"test": test, "validation": 0.95} for test in (0.93 + ahead, 0.93))
    return {"split": number, "workers": two, "threads": one, **more}


def folds_section(*splits: dict[str, Any]) -> str:
    from benchmarks import folds, method_results

    kept = {"splits": list(splits), "summary": folds.summary(list(splits))}
    return flat(method_results.folds(kept))


def threads_section(*splits: dict[str, Any]) -> str:
    from benchmarks import performance, threads

    kept = {"splits": list(splits), "summary": threads.summary(list(splits))}
    return flat(performance.threads(kept))


def test_each_figure_has_the_version_of_catwalk() -> None:
    from benchmarks import performance
    from verification import promises

    page = performance.page()
    commands = re.findall(r"^`\.venv/bin/python -m benchmarks.*$", page, re.MULTILINE)
    assert len(commands) > 20
    for line in commands:
        assert re.search(r", \d{4}-\d\d-\d\d, catwalk \d[\w.]+, \d+ cores of$", line), line
    proofs = promises.page().split("\n## ")[0]
    dates = len(re.findall(r" \(\d{4}-\d\d-\d\d", proofs))
    assert dates == len(re.findall(r" \(\d{4}-\d\d-\d\d, catwalk \d[\w.]+\) \|", proofs)) > 5


def test_an_old_row_beside_others_has_no_version_of_the_newest() -> None:
    from benchmarks import scores

    old, new = {"seed": 1}, {"seed": 2, "catwalk": "0.3.0"}
    machine = {"versions": {"catwalk": "0.3.0"}}
    assert scores._version({"machine": machine, "rows": [old, new]}, old) == ""
    assert scores._version({"machine": machine, "rows": [old, new]}, new) == ", catwalk 0.3.0"
    assert scores._version({"machine": machine, "rows": [old]}, old) == ", catwalk 0.3.0"


def test_rows_of_several_commits_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import scores, threads

    no_rows: Any = None
    monkeypatch.setattr(threads, "one", lambda *_: {"test": 0.9, "validation": 0.9})
    monkeypatch.setattr(record, "code_commit", lambda: "a" * 40)
    new = threads.one_split(no_rows, 2, "dense", 1.0)
    assert new["commit"] == "a" * 40
    said = "These splits are of several commits; of an unknown commit: split 1; of aaaaaaaaaa: split 2."
    assert said in threads_section(of_threads(1, 0.01), new)
    assert said in folds_section(of_folds(1), of_folds(2, commit="a" * 40))
    assert "commit" not in folds_section(of_folds(1), of_folds(2)), "as in the files of before"
    (kept, *_) = record.newest_of_all(scores.NAME)
    row = kept["rows"][0]
    several = {**kept, "rows": [{**row, "seed": 1}, {**row, "seed": 2, "commit": "b" * 40}]}
    monkeypatch.setattr(record, "newest_of_all", lambda _: [several])
    table = scores.table(only_first=False)
    assert re.search(r"These rows are of several commits; of .*SEED=1`; of bbbbbbbbbb: `.*SEED=2`\.$", table)
    assert "several commits" not in scores.table(only_first=True)


def test_where_no_split_had_time_for_folds_nothing_is_compared() -> None:
    said = folds_section(of_folds(1, in_folds=None), of_folds(2, in_folds=None))
    assert "No split had time for folds: nothing was compared." in said
    assert "with folds" not in said
    assert said.count("2 of 2") == 1
    assert "with folds" in folds_section(of_folds(1, in_folds=None), of_folds(2, count=5, in_folds=0.94))


def test_why_a_split_s_folds_were_not_used() -> None:
    said = folds_section(
        of_folds(1, in_folds=None),
        of_folds(2, refitted=2, in_folds=0.94),
        of_folds(3, count=5, in_folds=0.94),
    )
    own = "that submission is the search's own ensemble"
    assert f"In split 1 the folds had no time: {own}." in said
    assert f"In split 2 the folds were not better and not used: {own}, with its refit." in said
    assert "split 3" not in said
    assert "In split 1 the folds were not used, or had no time:" in folds_section(of_folds(1))


def test_both_families_are_measured_beside_one_alone() -> None:
    from benchmarks import method_results

    steps = {"best": 0.9, "unmirrored": 0.9, "ensemble": 0.92, "dense": 0.91, "conv": 0.92}
    said = folds_section(of_folds(1, steps=steps))
    assert "with an ensemble of its dense networks alone, 1.00 points higher;" in said
    assert "with an ensemble of its convolutional networks alone, the same;" in said
    assert "networks alone" not in folds_section(of_folds(1, steps=steps), of_folds(2))
    names = [name for _, name, _, _ in method_results.SECTIONS]
    assert {"folds5-all-10m", "folds5-all-60m"} <= set(names)


def test_a_family_alone_is_an_ensemble_of_its_own_networks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks import prediction
    from catwalk.search import study
    from catwalk.submission import chosen_trials, kept_networks

    params: list[dict[str, str]] = [{"family": "dense"}, {}, {"family": "conv"}]
    trials = [SimpleNamespace(number=number, params=one) for number, one in enumerate(params)]
    averaged = list[Any]()

    def choose(_paths: Any, _prepared: Any, _study: str, own: list[Any]) -> Any:
        if own == trials[2:]:
            raise FileNotFoundError  # no convolutional network is kept
        return SimpleNamespace(trials=own, ensemble=None)

    def average(_paths: Any, networks: Any, *_: Any) -> Any:
        averaged.append(networks)
        return np.eye(2)

    monkeypatch.setattr(study, "load", lambda *_: "opened")
    monkeypatch.setattr(study, "complete", lambda _: trials)
    monkeypatch.setattr(chosen_trials, "choose", choose)
    monkeypatch.setattr(kept_networks, "average", average)
    made = SimpleNamespace(models="all", features="local", study="s")
    given: list[Any] = [tmp_path, None, made, np.zeros((2, 4), np.uint8), np.array([0, 0])]
    assert prediction.of_families(*given) == {"dense": 0.5}
    assert averaged == [[("s", 0), ("s", 1)]]
    made.models = "conv"
    assert prediction.of_families(*given) == {}


def test_threads_and_workers_are_compared_by_their_means_where_there_are_several_splits() -> None:
    one = threads_section(of_threads(1, 0.01))
    assert "On one split a difference below 0.3 points says nothing." in one
    assert "| 1 | 94.00% | 93.00% | +1.00 | 95.00% | 95.00% | +0.00 |" in one
    two = threads_section(of_threads(1, 0.01), of_threads(2, 0.02))
    assert "On one split" not in two
    ahead = "1.50 points higher (standard error 0.50) on the pseudo-tests and the same on validation"
    assert f"In the mean of 2 splits, two workers are {ahead}." in two


def test_a_step_s_largest_kernels_are_named() -> None:
    from benchmarks import performance

    spent = {"f": 0.7, "a": 4.0, "b": 2.0, "c": 1.5, "d": 1.0, "e": 0.8}
    said = performance.kernels("784-10", spent)
    assert said == (
        "The kernels of a step of 784-10 take 10.0 ms: a 4.00 ms (40%), b 2.00 ms (20%), c 1.50 ms (15%), "
        "d 1.00 ms (10%), e 0.80 ms (8%), all others 0.70 ms (7%)."
    )
    dense, conv = (record.newest(name) for name in ("engine", "conv_rate"))
    assert dense
    assert conv
    assert "The kernels of a step of 784-1024-1024-10 take" in flat(performance.engine_page(dense))
    assert "step of portfolio conv 1 take 10.0 ms" in flat(performance.conv({**conv, "profile": spent}))
    performance.conv({name: value for name, value in conv.items() if name != "profile"})


def test_the_engine_s_share_must_be_a_half() -> None:
    from benchmarks import engine, performance

    assert engine.LIMITS["share"] == (0.5, 0.65)
    assert performance.required("share") == "at least 0.5"


def test_the_start_says_from_which_moments_its_seconds_count() -> None:
    from benchmarks import performance

    said = flat(performance.start({"rounds": [{"first_epoch": 3.4, "table": 34.0}]}))
    assert "its first epoch 3.4 s after its first line of Python" in said
    assert "table of features 34 s after the command was started" in said


def test_the_bench_is_written_between_its_marks_in_readme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, picture = tmp_path / "README.md", tmp_path / "bench.png"
    monkeypatch.setattr(bench_report, "README", page)
    monkeypatch.setattr(bench_report, "PICTURE", picture)
    page.write_text(f"before\n{bench_report.BEGIN}\nold\n{markdown.END}\nafter\n{markdown.END}\n")
    bench_report.show()
    kept = record.newest(bench_report.NAME)
    assert kept
    made = markdown.marked(bench_report.BEGIN, bench_report.readme(kept))
    assert page.read_text() == f"before\n{made}\nafter\n{markdown.END}\n"
    assert "(docs/bench.png)" in made
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_pages_say_that_catwalk_alone_learns_validation_rows_too(tmp_path: Path) -> None:
    from benchmarks import bench, performance
    from catwalk.core.paths import Paths
    from catwalk.submission import recipe
    from catwalk.submission.recipe import RefitNetwork
    from tests.support.records import made_recipe

    kept = record.newest(bench_report.NAME)
    assert kept
    results = (record.ROOT / "docs/results.md").read_text(encoding="utf-8")
    for page in (bench_report.readme(kept).splitlines(), performance.peers(kept), results.splitlines()):
        assert bench_report.TRAINED_AGAIN in flat(page)

    paths = Paths(tmp_path, bench.COMPETITION)
    assert bench.refitted(tmp_path) is None, "predict was ended before"
    again = RefitNetwork(trial=1, seed=150_001, epochs=2, plan=(2, 2, 2), rows=1437)
    recipe.write(paths, "bench", made_recipe(refit=(again, again)))
    ours = [run for run in kept["runs"] if run["tool"] == "catwalk"]
    counts = (bench.refitted(tmp_path), 0, None)
    runs = [{**run, "refit": count} for run, count in zip(ours, counts, strict=True)]
    said = flat(performance.peers({**kept, "runs": runs}))
    first, second, _ = (run["seed"] for run in runs)
    assert f"trained again: 2 by catwalk in round {first}, 0 by catwalk in round {second}." in said


def test_both_families_are_compared_with_dense_networks_round_by_round() -> None:
    def run(tool: str, seed: int, accuracy: float) -> dict[str, Any]:
        return {"tool": tool, "seed": seed, "validation": accuracy, "test": accuracy - 0.01}

    runs = [run("catwalk", 1, 0.94), run("catwalk_all", 1, 0.95), run("catwalk", 2, 0.94)]
    assert bench_report.families(runs[:1]) == ""
    said = bench_report.families(runs)
    assert "+1.00 points on validation (+1.00) and +1.00 points on test (+1.00)" in said
    runs.append(run("catwalk_all", 2, 0.945))
    assert "+0.75 points on validation (+1.00, +0.50)" in bench_report.families(runs)
