"""The readers of hostile.py under atheris (libFuzzer): inputs that reach new lines are changed further.

    pip install atheris          # where it installs: Linux, CPython; it is not one of our packages
    .venv/bin/python -m verification.guided --inputs 20000      # of each reader; some minutes

Each reader has a process of its own, which begins with a hundred good files and judges every input as
hostile.py does. What breaks a promise is kept in ``verification/found/``, where the tests read it again.
"""

import argparse
import importlib.util
import random
import subprocess
import sys
import tempfile
from pathlib import Path

SEEDS = 100  # good files that a reader begins with
LONGEST = 4096  # bytes of an input


def fuzz(reader: str, inputs: int, corpus: Path) -> None:
    """In a process of its own, for libFuzzer ends it."""
    import atheris

    with atheris.instrument_imports(include=["catwalk"]):
        from verification import hostile

    dice = random.Random(1)  # noqa: S311
    for number in range(SEEDS):
        (corpus / str(number)).write_bytes(hostile.READERS[reader][0](dice))
    place = corpus.parent / "place"
    place.mkdir()

    def one(content: bytes) -> None:
        said = hostile.judge(reader, content, place)
        if said not in hostile.FINE:
            hostile.keep_found(hostile.FOUND, reader, content)
            raise hostile.BrokenPromiseError(said)

    asked = [f"-runs={inputs}", f"-max_len={LONGEST}", "-seed=1", "-rss_limit_mb=0", "-timeout=20"]
    atheris.Setup([sys.argv[0], *asked, f"-artifact_prefix={corpus.parent}/", str(corpus)], one)
    atheris.Fuzz()


def measure(inputs: int) -> dict[str, object]:
    from verification import hostile

    broken = {}
    for reader in hostile.READERS:
        with tempfile.TemporaryDirectory() as folder:
            corpus = Path(folder) / "corpus"
            corpus.mkdir()
            asked = [reader, "--inputs", str(inputs), "--corpus", str(corpus)]
            command = [sys.executable, "-m", "verification.guided", *asked]
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            print(f"{reader}: {done.stderr.strip().splitlines()[-1]}", flush=True)
            if done.returncode:
                broken[reader] = next(
                    (line for line in done.stderr.splitlines() if "BrokenPromiseError" in line),
                    done.stderr[-500:],
                )
    return {"inputs": inputs * len(hostile.READERS), "broken": len(broken), "what": broken}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("reader", nargs="?", help="only this one, in this process (needs --corpus)")
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--corpus", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        raise SystemExit("atheris is not installed: pip install atheris")
    if options.corpus:
        fuzz(options.reader, options.inputs, options.corpus)
        return
    from benchmarks import record

    print(f"kept in {record.keep('guided', measure(options.inputs), record.VERIFICATION)}")


if __name__ == "__main__":
    main()
