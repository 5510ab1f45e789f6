"""Writes docs/performance.md, and the bench in README, from the newest JSON of each benchmark; runs nothing.

.venv/bin/python -m benchmarks.performance
"""

import itertools
import statistics
from collections.abc import Callable
from typing import Any

from benchmarks import bench_report, conv_rate, engine, method_results, record
from benchmarks.markdown import compared, paragraph, several_commits, table
from catwalk.models import training_speed

PAGE = record.ROOT / "docs" / "performance.md"
LARGEST = 5  # kernels of a step that are named
Kept = dict[str, Any]
ENGINE = {
    "share": "784-1024-1024-10: time of its matrix products alone, as a share of an epoch's",
    "large": "784-1024-1024-10: how many times as fast as model.fit",
    "large_at_best": "the same, if only the matrix products took time",
    "small": "784-128-10: how many times as fast as model.fit",
    "trace": "building and tracing a new architecture, seconds",
    "evaluate": "evaluation, as a share of an epoch's time",
}
AT_MOST = ("trace", "evaluate")  # of these, less is better


def peers(kept: Kept) -> list[str]:
    return [
        f"Each tool had {kept['budget'] / 60:g} minutes, the same two cores, the same training and",
        "validation rows, and the settings that its documentation recommends (`benchmarks/peers.py`).",
        f"The table shows medians and ranges of {kept['rounds']} rounds, each with another split and order.",
        "The test labels were opened once, after all runs.",
        *paragraph(bench_report.trained_again(kept["runs"])),
        *paragraph(bench_report.commits(kept["runs"])),
        "",
        bench_report.table(kept["runs"]),
        *paragraph(bench_report.families(kept["runs"])),
    ]


def engine_page(kept: Kept) -> list[str]:
    lines = ["| | measured | required |", "|---|---|---|"]
    for name, text in ENGINE.items():
        lines.append(f"| {text} | {kept['summary'][name]:.2f} | {required(name)} |")
    return [
        *lines,
        "",
        f"In {kept['precision']}, on one thread.",
        *paragraph(kernels("784-1024-1024-10", kept["profile"]["large"])),
    ]


def kernels(network: str, spent: dict[str, float]) -> str:
    """Where the time of a step goes, in words: its largest kernels, as TensorFlow's profiler names them."""
    total = sum(spent.values())
    largest = sorted(spent.items(), key=lambda one: -one[1])[:LARGEST]
    named = ", ".join(f"{name} {time:.2f} ms ({time / total:.0%})" for name, time in largest)
    others = total - sum(time for _, time in largest)
    return (
        f"The kernels of a step of {network} take {total:.1f} ms: {named}, all others {others:.2f} ms "
        f"({others / total:.0%})."
    )


def required(name: str) -> str:
    """What a figure of the engine must be, in words; "" where nothing is required."""
    if name not in engine.LIMITS:
        return ""
    return f"{'at most' if name in AT_MOST else 'at least'} {engine.LIMITS[name][0]}"


def conv(kept: Kept) -> list[str]:
    lines = table("", "MFLOP a picture, forward", "GFLOP/s", "as a share of the bfloat16 product's")
    for name, share in kept["shares"].items():
        work = f"{kept['operations'][name] / 1e6:.1f}" if name in kept["operations"] else ""
        lines.append(f"| {name} | {work} | {kept['rates'][name] / 1e9:.0f} | {share:.2f} |")
    product = " and ".join(f"{kept['rates'][how] / 1e9:.0f} in {how}" for how in ("bfloat16", "float32"))
    in_convolutions = statistics.median(row[conv_rate.FIRST] / row[conv_rate.ALONE] for row in kept["rounds"])
    text = (
        f"Whole training steps in {kept['precision']}, on one thread; a product of two 1024 x 1024 matrices "
        f"reaches {product}. The share of {conv_rate.FIRST} must be at least {conv_rate.MUST}. The row "
        "convolution is one of its first stage alone, with both gradients. If all convolutions of that "
        f"network ran at this rate, they would take {in_convolutions:.0%} of a step's time. The other "
        f"{1 - in_convolutions:.0%} go to slower convolutions and to what does not count as an operation "
        "here: batch norm, ReLU, sums, the shifts of pictures and the update, by Muon."
    )
    block = (
        "Before a search chooses a width, it measures the residual block of 64 channels, and expects "
        f"training to run at {training_speed.CPU_SHARE:g} of the block's rate. Here {conv_rate.FIRST} has "
        f"{of_block(kept, conv_rate.FIRST)} of it, 64 channels {of_block(kept, '64 channels')}."
    )
    profile = kernels(conv_rate.FIRST, kept["profile"]) if "profile" in kept else ""
    return [*lines, *paragraph(text), *paragraph(profile), *paragraph(block)]


def of_block(kept: Kept, name: str) -> str:
    """A network's rate as a share of the residual block's."""
    return f"{kept['rates'][name] / kept['rates'][conv_rate.BLOCK]:.2f}"


def on_gpu(kept: Kept) -> list[str]:
    lines = [
        "| network | cores | first epoch, s | another, s | epochs | validation | s to 94%, 95%, 95.5% |",
        "|---|---|---|---|---|---|---|",
    ]
    nets = kept["networks"]
    for name, net in nets.items():
        to = ", ".join(str(net["seconds to"][least] or "-") for least in ("94%", "95%", "95.5%"))
        cores = f"{net['cores']}{'*' if 'beside' in net else ''}"
        lines.append(
            f"| {name} | {cores} | {net['first epoch']:.1f} | {net['epoch']:.2f} | "
            f"{len(net['accuracies'])} | {net['accuracies'][-1]:.4f} | {to} |"
        )
    of = {width: nets[f"{width} channels, bfloat16"]["epoch"] for width in (64, 128)}
    convolution = kept["convolution, bfloat16, operations per second"] / 1e12
    return [
        *lines,
        "",
        f"One {kept['gpu'].split(',')[0]}, whole training steps in batches of 128, the dense one's of 512.",
        "An epoch includes its evaluation, and the first one compiling; the last column counts from the",
        "network's building. Convolutions alone, as `models/conv_speed.py` measures them, run at",
        f"{convolution:.0f} TFLOP/s. What bounds a narrow network is not its arithmetic but the number of",
        f"operations that are started: twice the channels take {of[128] / of[64]:.1f} times as long. Mixup",
        "blends pictures (0.2), and a square, 0.4 of the side, is erased; neither is in the portfolio of",
        "convolutional networks.",
        "",
        *(
            f"\\* beside {what}"
            for what in dict.fromkeys(net["beside"] for net in nets.values() if "beside" in net)
        ),
        *paragraph(several_commits("networks", ((f'"{n}"', net.get("commit")) for n, net in nets.items()))),
    ]


def gpu_search(kept: Kept) -> list[str]:
    trials = [trial for trial in kept["trials"] if trial["validation_accuracy"]]
    return [
        "| trial | seconds | epochs, of those planned | validation |",
        "|---|---|---|---|",
        *(
            f"| {trial['kind']} | {float(trial['seconds']):.1f} | {trial['epoch']} of {trial['epochs']} | "
            f"{float(trial['validation_accuracy']):.4f} |"
            for trial in trials
        ),
        "",
        f"`MODELS={kept['models']} BUDGET={kept['budget']}` with one worker, {kept['seconds']:.0f} s in all;",
        "successive halving stopped the trials of the sampler.",
        *(["", kept["note"]] if "note" in kept else []),
    ]


def start(kept: Kept) -> list[str]:
    first, whole = (statistics.median(one[key] for one in kept["rounds"]) for key in ("first_epoch", "table"))
    return [
        f"A search of Fashion-MNIST has its first epoch {first:.1f} s after its first line of Python, and",
        f"its table of features {whole:.0f} s after the command was started, a moment earlier (medians of",
        f"{len(kept['rounds'])} searches in new projects; both include the import of TensorFlow).",
    ]


def threads(kept: Kept) -> list[str]:
    arms = ("two workers", "one worker", "points ahead")
    judged = {"test": "pseudo-test", "validation": "validation"}
    lines = table("split", *(f"{rows}: {what}" for rows, what in itertools.product(judged.values(), arms)))
    for one in kept["splits"]:
        cells = [str(one["split"])]
        for rows in judged:
            two, single = one["workers"][rows], one["threads"][rows]
            cells += [f"{two:.2%}", f"{single:.2%}", f"{100 * (two - single):+.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    said = kept["summary"]
    means = [compared(said[f"workers_above_threads_{rows}"]) for rows in judged]
    text = (
        "Two workers with one thread each, and one worker with two threads: accuracy of their submissions "
        "after ten minutes, on 12,000 training rows that no search saw and on the validation rows, which "
        "chose the networks. "
    )
    if said["splits"] == 1:
        text += "On one split a difference below 0.3 points says nothing."
    else:
        text += f"In the mean of {said['splits']} splits, two workers are {means[0]} on the pseudo-tests "
        text += f"and {means[1]} on validation."
    return [*lines, *paragraph(text), *method_results.commits_of_splits(kept)]


def growth(kept: Kept) -> list[str]:
    lines = ["| rows | width | seconds per epoch | multiplications per second |", "|---|---|---|---|"]
    for row in kept["figures"]:
        rate = row["multiplications"] / row["seconds"] / 1e9
        lines.append(f"| {row['rows']:,} | {row['width']} | {row['seconds']:.2f} | {rate:.0f} billion |")
    return [
        *lines,
        "",
        "784-w-w-10, on one thread. The time grows with the rows, and with the weights if the layers are so",
        "wide that the matrix products take most of it.",
    ]


def reading(kept: Kept) -> list[str]:
    lines = ["| file | reader | seconds | ratio to pyarrow's own | peak MB |", "|---|---|---|---|---|"]
    for file in kept["files"]:
        for one in file["readers"]:
            low, high = min(one["seconds"]), max(one["seconds"])
            lines.append(
                f"| {file['megabytes']:,.0f} MB | {one['reader']} | {statistics.median(one['seconds']):.2f} "
                f"({low:.2f} to {high:.2f}) | {one['ratio']:.2f} | {one['peak_mb']:,.0f} |"
            )
    return [
        *lines,
        "",
        "The limits are 1.3 times pyarrow's time, and 700 MB for the smaller file. Time grows with the rows.",
    ]


def coordination(kept: Kept) -> list[str]:
    lines = ["| storage | finished trials | in the worker, s | in the parent, s |", "|---|---|---|---|"]
    for row in kept["figures"]:
        cells = (row["storage"], row["finished"], row["worker_seconds"], row["parent_seconds"])
        lines.append("| {} | {:,} | {:.3f} | {:.3f} |".format(*cells))
    return [
        *lines,
        "",
        f"A trial's cost in addition to its training; the limit is {kept['limit_seconds']} s in all.",
    ]


def scaling(kept: Kept) -> list[str]:
    lines = ["| storage | workers | trials per hour | ratio to one worker on SQLite |", "|---|---|---|---|"]
    for name, an_hour in kept["medians"].items():
        storage, workers = name.split()
        times = an_hour / kept["medians"]["SQLite 1"]
        lines.append(f"| {storage} | {workers} | {an_hour:,.0f} | {times:.2f} |")
    return [
        *lines,
        "",
        f"Two workers on SQLite should do twice as much as one (limit {kept['limit']}). More workers than "
        "cores gain nothing; they are listed to show what waiting for each other costs.",
    ]


def memory(kept: Kept) -> list[str]:
    lines = [
        "| after trials | a worker's MB | its open files | its threads | parent's MB | study.db, MB |",
        "|---|---|---|---|---|---|",
    ]
    for after, held in kept["after"].items():
        cells = (held["megabytes"], held["files"], held["threads"], held["parent_megabytes"])
        counts = " | ".join(f"{value:,.0f}" for value in cells)
        lines.append(f"| {int(after):,} | {counts} | {held['study_megabytes']:.1f} |")
    said = f"A worker's growth: at most {kept['growth']:+.1%} (limit {kept['limit']:+.0%}). "
    return [*lines, "", said + "Now and then a new process replaces a worker, and the means fall."]


def _same(different: int) -> str:
    return "the same submission" if different == 1 else f"{different} different submissions"


def kills(kept: Kept) -> list[str]:
    again = kept["finished_and_run_again"], kept["failed_and_run_again_twice"]
    return [
        f"Two machines on one PostgreSQL server, {kept['kills']} kill -9 of random workers and "
        f"{kept['restarts']} restarts of the server: {kept['finished']:,} trials finished, "
        f"{kept['lost']} of them lost, {again[0]} finished ones run again, "
        f"{again[1]} failed ones run again twice, "
        f"{kept['left_running']} left running.",
        *(
            [
                f"Then {len(kept['predict_exit_codes'])} members predicted, each killed once; they made "
                f"{_same(kept['different_submissions'])}, with {kept['networks_missing']} networks missing."
            ]
            if "different_submissions" in kept
            else []
        ),
    ]


def first_network(kept: Kept) -> list[str]:
    epoch, alone = (statistics.median(row[name] for row in kept["rounds"]) for name in ("epoch", "products"))
    return [
        f"An epoch of 60,000 pictures, 784-300-10, takes {epoch:.2f} s, its matrix products alone "
        f"{alone:.2f} s; the ratio is {kept['ratio']:.2f} (limit {kept['limit']})."
    ]


def losses() -> list[str]:
    """Where catwalk is behind a similar tool or misses a limit, from the same files."""
    judges = {
        "bench-10m": lambda kept: bench_report.losses(kept["runs"]),
        "bench-3m": lambda kept: [f"in three minutes, {line}" for line in bench_report.losses(kept["runs"])],
        "engine": missed_by_engine,
        "csv_reader": slower_reading,
        "workers-scaling": missed_by_workers,
        "workers-memory": grown,
        "workers-long": grown,
        "coordination": missed_by_coordination,
    }
    lines = [line for name, said in judges.items() if (kept := record.newest(name)) for line in said(kept)]
    return [f"- {line}" for line in lines] or ["Nowhere, according to these files."]


def missed_by_engine(kept: Kept) -> list[str]:
    lines = []
    for name, (must, _) in engine.LIMITS.items():
        here = kept["summary"][name]
        if here > must if name in AT_MOST else here < must:
            lines.append(f"the engine, {ENGINE[name]}: {here:.2f}, required is {required(name)}")
    return lines


def slower_reading(kept: Kept) -> list[str]:
    ours = [(file, r) for file in kept["files"] for r in file["readers"] if r["reader"].startswith("catwalk")]
    return [
        f"a CSV of {file['megabytes']:,.0f} MB takes {r['ratio']:.2f} times as long as with pyarrow"
        for file, r in ours
        if r["ratio"] > 1
    ]


def missed_by_workers(kept: Kept) -> list[str]:
    missed = kept["ratio"] < kept["limit"]
    text = f"two workers finish {kept['ratio']:.2f} times as many trials as one, the limit is {kept['limit']}"
    return [text] if missed else []


def grown(kept: Kept) -> list[str]:
    text = (
        f"from {kept['from']} to {kept['most']} trials a worker's memory grows by {kept['growth']:.1%}, "
        f"the limit is {kept['limit']:.0%}"
    )
    return [text] if kept["growth"] > kept["limit"] else []


def missed_by_coordination(kept: Kept) -> list[str]:
    costs = [(row["worker_seconds"] + row["parent_seconds"], row) for row in kept["figures"]]
    return [
        f"in addition to its training, a trial costs {cost:.2f} s on {row['storage']} after "
        f"{row['finished']:,} trials, the limit is {kept['limit_seconds']}"
        for cost, row in costs
        if cost > kept["limit_seconds"]
    ]


# Heading, the benchmark's name, the command, and what is said of its figures.
SECTIONS: list[tuple[str, str, str, Callable[[Kept], list[str]]]] = [
    ("Compared with similar tools", "bench-10m", "bench --budget 10m", peers),
    ("Compared with similar tools, in three minutes", "bench-3m", "bench --budget 3m", peers),
    ("The engine", "engine", "engine", engine_page),
    ("Convolutional networks", "conv_rate", "conv_rate", conv),
    ("On a GPU", "gpu-engine", "gpu engine", on_gpu),
    ("A search on a GPU", "gpu-search", "gpu search --budget 4m", gpu_search),
    ("How an epoch grows", "growth", "growth", growth),
    ("Reading CSVs", "csv_reader", "csv_reader", reading),
    ("How a search starts", "start", "start", start),
    ("Coordination", "coordination", "coordination", coordination),
    ("Threads or workers", "threads-dense-10m", "threads --models dense", threads),
    ("Threads or workers, both families", "threads-all-10m", "threads --models all", threads),
    ("Workers", "workers-scaling", "workers scaling", scaling),
    ("A worker's memory", "workers-memory", "workers memory", memory),
    ("Thousands of trials", "workers-long", "workers long", memory),
    ("A team's study with killed workers", "kills", "kills", kills),
    ("The first exercise's network in NumPy", "numpy_network", "numpy_network", first_network),
]


def page() -> str:
    lines = [
        "# Performance",
        "",
        "Made by `benchmarks/performance.py` from the JSON files in `benchmarks/results/`; no figure is",
        "typed by hand. A pseudo-test consists of training rows that no search saw.",
    ]
    for heading, name, command, said in [*SECTIONS, *method_results.SECTIONS]:
        kept = record.newest(name)
        if kept is None:
            continue
        machine = kept["machine"]
        lines += ["", f"## {heading}", "", *said(kept), ""]
        lines += [
            f"`.venv/bin/python -m benchmarks.{command}`, {kept['date'][:10]}, catwalk "
            f"{machine['versions']['catwalk']}, {machine['cores']} cores of"
        ]
        lines += [f"{machine['processor']}, Python {machine['python']}."]
    lines += ["", "## Where catwalk loses", "", *losses()]
    return "\n".join(lines) + "\n"


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")
    bench_report.show()
    print(f"wrote {PAGE}, {bench_report.README} and {bench_report.PICTURE}")


if __name__ == "__main__":
    main()
