"""Sets up TensorFlow, once per process and before it is imported anywhere else.

GPUs are hidden from it, except from a process that one is assigned to, see ``gpus``.
"""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType

VISIBLE = "CUDA_VISIBLE_DEVICES"  # which GPUs CUDA sees; read as TensorFlow's runtime starts
NONE = "-1,-1"  # no GPU, as "-1", which is how a user would write it
GIVEN = "CATWALK_VISIBLE_GPUS"  # what the user's CUDA_VISIBLE_DEVICES was before it was changed here
ASSIGNED = "CATWALK_GPU"  # the GPU of this process
ALL = "all"  # where the user has not chosen GPUs
# Keras imports these if they are installed, for features not used here: a third of the start time.
OPTIONAL = ("matplotlib", "pandas", "sklearn")


def setup(threads: int | None = None, whole: bool = False) -> None:
    """Import TensorFlow without its start-up messages.

    Args:
        threads: how many it may use; None leaves the choice to TensorFlow. A search worker takes one
            (benchmarks/threads.py compares two of them with one worker of two threads).
        whole: with Keras's support for scikit-learn, pandas and matplotlib, for an interactive process
            such as a notebook's kernel.
    """
    load(whole)
    import tensorflow as tf

    with _silent_stderr():
        if ASSIGNED in os.environ:
            _share_gpu()
        elif threads is not None:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        # Its graph optimizer gains nothing on our graphs, and takes a third of the tracing time.
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
        tf.config.list_logical_devices()  # starts the runtime, which prints messages too


def load(whole: bool = False) -> None:
    """Only import TensorFlow and Keras: no thread is started, so that the process may be forked."""
    hide_gpus()
    if ASSIGNED in os.environ:
        _see(os.environ[ASSIGNED])
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    # Its default is off on processors without AVX-512, where all our networks are trained faster with it.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _silent_stderr(), _not_installed(() if whole else OPTIONAL):
        import keras  # noqa: F401  else imported with the first of its layers
        import tensorflow as tf
    tf.get_logger().setLevel("ERROR")


def hide_gpus() -> None:
    """Hide GPUs from this process and those that it starts, unless one is assigned to them."""
    os.environ[GIVEN] = visible_gpus()
    os.environ[VISIBLE] = NONE


def visible_gpus() -> str:
    """The GPUs that the user lets programs see, as in CUDA_VISIBLE_DEVICES; ``ALL`` if that is not set."""
    seen = os.environ.get(VISIBLE, ALL)
    return os.environ.get(GIVEN, NONE) if seen == NONE else seen


def _see(gpus: str) -> None:
    """Let CUDA see these GPUs, as in CUDA_VISIBLE_DEVICES, or ``ALL``."""
    if gpus == ALL:
        os.environ.pop(VISIBLE, None)
    else:
        os.environ[VISIBLE] = gpus


def _share_gpu() -> None:
    """Take a GPU's memory as it is needed, not all of it at once; round products as the CPU does."""
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    # A network's probabilities are computed in float32, on the CPU too: not with TF32's ten bits here.
    tf.config.experimental.enable_tensor_float_32_execution(False)


@contextlib.contextmanager
def _not_installed(names: Iterable[str]) -> Iterator[None]:
    """Make these packages fail to import within the block, unless they have been imported before."""
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
    """Hide what C++ code writes to stderr before its log level applies; Python errors are still raised."""
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
