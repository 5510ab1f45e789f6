"""The bench's tables, in docs/performance.md and README, and its picture, from kept runs; runs nothing."""

import statistics
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import markdown, record
from catwalk.report import drawing

NAME = "bench-10m"  # the comparison that README and docs/bench.png show
README, PICTURE = record.ROOT / "README.md", record.ROOT / "docs" / "bench.png"
BEGIN = "<!-- made by benchmarks/bench_report.py -->"
OURS = {"catwalk": "dense", "catwalk_all": "all"}  # the value of MODELS=
OF_CATWALK = (*OURS, "random_engine")  # what these do depends on the commit
NAMES = {
    "catwalk": "catwalk",
    "catwalk_all": "catwalk, MODELS=all",
    "random_engine": "random search, catwalk's engine",
    "optuna_keras": "Optuna with Keras",
    "keras_tuner": "KerasTuner Hyperband",
    "keras_tuner_conv": "KerasTuner, convolutional",
    "keras_convnet": "Keras's convolutional example",
    "sklearn_mlp": "scikit-learn MLPClassifier",
    "beginner": "128-unit network",
}
TOOLS = tuple(NAMES)
# Each tool's line in the picture: the colours of Okabe and Ito, told apart by their dashes too.
LINES = (
    (drawing.BLUE, "-"), (drawing.ORANGE, "-"), (drawing.ORANGE, "--"), ("#009E73", "-."), ("#CC79A7", ":"),
    ("#CC79A7", "--"), ("#56B4E9", "-."), ("#B8860B", (0, (5, 1))), (drawing.MUTED, (0, (1, 1))),
)  # fmt: skip
MARKS = (0.85, 0.88, 0.90)
# Said with each table: the peers learn the training rows alone (``peers.py``).
TRAINED_AGAIN = (
    "Where time was left, catwalk's test answers include networks that were trained again on training and "
    "validation rows; the other tools' do not."
)


def commits(runs: list[dict[str, Any]]) -> str:
    """Of which commits catwalk's runs are, in words; "" where all are of one."""
    ours = [run for run in runs if run["tool"] in OF_CATWALK]
    return markdown.several_commits(
        "runs", ((f"{NAMES[run['tool']]} in round {run['seed']}", run.get("commit")) for run in ours)
    )


def trained_again(runs: list[dict[str, Any]]) -> str:
    """``TRAINED_AGAIN``, and of how many networks, of each run that tells it."""
    known = [
        f"{run['refit']} by {NAMES[run['tool']]} in round {run['seed']}"
        for run in runs
        if run.get("refit") is not None
    ]
    return f"{TRAINED_AGAIN} Networks trained again: {', '.join(known)}." if known else TRAINED_AGAIN


def seconds_to(curve: list[list[float]], mark: float) -> float | None:
    return next((second for second, accuracy in curve if accuracy >= mark), None)


def table(runs: list[dict[str, Any]]) -> str:
    """Medians and ranges, a line a tool, as Markdown."""
    lines = markdown.table("tool", "validation", "test", "seconds to 0.85", "0.88", "0.90", "peak MB")
    for name, mine in _by_tool(runs):
        cells = [_percent(mine, "validation"), _percent(mine, "test")]
        cells += [*(_seconds(mine, mark) for mark in MARKS), _memory(mine)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def families(runs: list[dict[str, Any]]) -> str:
    """How far ``MODELS=all`` is above dense networks, each pair of one round and so of one split."""
    said = []
    for key in ("validation", "test"):
        rounds = [
            {OURS[run["tool"]]: 100 * run[key] for run in runs if run["tool"] in OURS and run["seed"] == seed}
            for seed in sorted({run["seed"] for run in runs})
        ]
        ahead = [one["all"] - one["dense"] for one in rounds if len(one) == len(OURS)]
        if not ahead:
            return ""
        mean, pairs = statistics.mean(ahead), ", ".join(f"{value:+.2f}" for value in ahead)
        said.append(f"{mean:+.2f} points on {key} ({pairs})")
    return f"MODELS=all is, in the mean of the rounds, above MODELS=dense by {' and '.join(said)}."


def readme(kept: dict[str, Any]) -> str:
    """What README shows of it: the picture, and a shorter table."""
    machine = kept["machine"]
    text = (  # in one line: README has not many
        f"Medians (ranges) of {kept['rounds']} rounds of {kept['budget'] / 60:g} minutes, {machine['cores']} "
        f"cores of {machine['processor']}, {kept['date'][:10]}, catwalk {machine['versions']['catwalk']}; "
        f"other tools learn from raw pixels. {TRAINED_AGAIN} [Where catwalk loses](docs/performance.md)."
    )
    lines = [
        text,
        "![Best validation accuracy over time, a line for each tool, the range shaded](docs/bench.png)",
        "",
        *markdown.table("tool", "test accuracy, %", "seconds to 0.90 on validation", "peak MB"),
    ]
    for name, mine in _by_tool(kept["runs"]):
        lines.append(f"| {name} | {_percent(mine, 'test')} | {_seconds(mine, MARKS[-1])} | {_memory(mine)} |")
    return "\n".join(lines)


def show() -> None:
    """README's table and docs/bench.png, from the newest kept figures; nothing where there are none."""
    kept = record.newest(NAME)
    if kept is not None:
        markdown.write_marked(README, BEGIN, readme(kept))
        picture(kept, PICTURE)


def _by_tool(runs: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Each tool's name and its runs; without tools that have none."""
    found = [(NAMES[tool], [run for run in runs if run["tool"] == tool]) for tool in TOOLS]
    return [(name, mine) for name, mine in found if mine]


def _percent(mine: list[dict[str, Any]], key: str) -> str:
    return _range([100 * run[key] for run in mine if key in run], 2)


def _seconds(mine: list[dict[str, Any]], mark: float) -> str:
    """Until an accuracy was reached; in how many runs it was, where not in all."""
    reached = [seconds_to(run["curve"], mark) for run in mine]
    known = [second for second in reached if second is not None]
    return _range(known, 0) if len(known) == len(mine) else f"reached in {len(known)} of {len(mine)}"


def _memory(mine: list[dict[str, Any]]) -> str:
    return f"{statistics.median(run['peak_mb'] for run in mine):,.0f}"


def losses(runs: list[dict[str, Any]]) -> list[str]:
    """What another tool does better than catwalk as it is by default, by medians; a line each."""
    lines = []
    for key, text, more in (
        ("validation", "validation accuracy", True),
        ("test", "test accuracy", True),
        ("peak_mb", "peak memory, MB", False),
    ):
        medians = {
            tool: _median([run[key] for run in runs if run["tool"] == tool and key in run]) for tool in TOOLS
        }
        lines += _behind(text, medians, more)
    for mark in MARKS:
        found = {tool: [seconds_to(r["curve"], mark) for r in runs if r["tool"] == tool] for tool in TOOLS}
        whole = {
            tool: _median([second for second in seconds if second is not None])
            for tool, seconds in found.items()
            if None not in seconds
        }
        lines += _behind(f"seconds to {mark:.2f}", whole, False)
    return lines


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


def _behind(text: str, medians: dict[str, float | None], more_is_better: bool) -> list[str]:
    ours = medians.get("catwalk")
    if ours is None:
        return []
    sign = 1 if more_is_better else -1
    others = {tool: median for tool, median in medians.items() if median is not None and tool not in OURS}
    ahead = {tool: median for tool, median in others.items() if sign * median > sign * ours}
    shown = ", ".join(f"{NAMES[tool]} {value:.4g}" for tool, value in ahead.items())
    return [f"{text}: catwalk {ours:.4g}, {shown}"] if ahead else []


def _range(values: list[float], digits: int) -> str:
    if not values:
        return ""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def picture(kept: dict[str, Any], path: Path) -> None:
    """Best validation accuracy so far against time: the median of the rounds, and their range."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    times = np.geomspace(3, kept["budget"], 400)
    with mpl.rc_context({**drawing.STYLE, "font.size": 11, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(9, 5))
        axes = figure.subplots()
        for tool, (colour, style) in zip(TOOLS, LINES, strict=True):
            mine = [run["curve"] for run in kept["runs"] if run["tool"] == tool]
            curves = [_at(curve, times) for curve in mine if curve]
            if not curves:
                continue
            middle = np.median(curves, axis=0)
            axes.fill_between(times, np.min(curves, axis=0), np.max(curves, axis=0), color=colour, alpha=0.15)
            axes.plot(times, middle, color=colour, linestyle=style, linewidth=2, label=NAMES[tool])
        axes.set(xscale="log", ylim=(80, None), xlabel="seconds since the start, imports included")
        ticks = [second for second in (5, 10, 30, 60, 180, 600, 3600) if second <= kept["budget"]]
        axes.set_xticks(ticks, [f"{second}" for second in ticks])
        axes.set_xticks([], minor=True)
        axes.set_ylabel("best single network, % of validation")
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
        figure.tight_layout()
        path.write_bytes(drawing.png(figure))


def _at(curve: list[list[float]], times: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Percent reached by each time; not a number before the first."""
    seconds, shares = np.array(curve).T
    place = np.searchsorted(seconds, times, side="right") - 1
    return np.where(place >= 0, 100 * shares[place], np.nan)
