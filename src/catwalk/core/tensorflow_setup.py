"""Sets TensorFlow up, once a process and before it is imported anywhere else.

GPUs are hidden from it: what catwalk does on one has not been measured yet.
"""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

HIDDEN = {"CUDA_VISIBLE_DEVICES": "-1"}  # to be set before the import; children and kernels inherit it
# Keras imports these where they are installed, for what catwalk does not use: a third of a process's start.
OPTIONAL = ("matplotlib", "pandas", "sklearn")
DRIVER = Path("/proc/driver/nvidia/gpus")  # a folder for each GPU


def setup(threads: int | None = None, whole: bool = False) -> None:
    """Import TensorFlow without its start-up chatter.

    Args:
        threads: how many it may compute with; None leaves the choice to TensorFlow. A search worker
            takes one: two processes of one thread train more nets an hour than one process of two.
        whole: with what Keras offers for scikit-learn, pandas and matplotlib, for a process that is a
            person's, as a notebook's kernel.
    """
    os.environ |= HIDDEN
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with _silent_stderr():
        with _not_installed(() if whole else OPTIONAL):
            import tensorflow as tf

        tf.get_logger().setLevel("ERROR")
        if threads is not None:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        # Its rewriting of graphs finds nothing to gain in ours, and is a third of the time to trace one.
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
        tf.config.list_logical_devices()  # starts the runtime, which speaks once more


def unused_gpu() -> list[str]:
    """A line about a GPU that is here and hidden, if there is one."""
    line = "search: the GPU here stays unused for now, catwalk computes on the processor's cores"
    return [line] if DRIVER.is_dir() and any(DRIVER.iterdir()) else []


@contextlib.contextmanager
def _not_installed(names: Iterable[str]) -> Iterator[None]:
    """Within the block, these packages can't be imported, unless they have been before."""
    hidden = [name for name in names if name not in sys.modules]
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    modules |= dict.fromkeys(hidden)  # how Python marks a module that is not there
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    """Hide what C++ writes to stderr before its log level counts; Python's errors are still raised."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
