"""GPUs: which ones TensorFlow can use on this machine, and which one a new process gets.

A process that trains networks sees one GPU, which the environment variable ``ASSIGNED`` names; all other
processes compute on the CPU cores, so that none of them holds a GPU's memory.
"""

import contextlib
import math
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from catwalk.core import processes, tensorflow_setup
from catwalk.core.errors import MachineError, shown
from catwalk.core.tensorflow_setup import ALL, ASSIGNED, NONE

# Where a GPU shows: on Linux and in containers, and on Windows through WSL2. A driver alone is no GPU.
SIGNS = ("dev/nvidia[0-9]*", "proc/driver/nvidia/gpus/*", "usr/lib/wsl/lib/libcuda.so")
HIDDEN = ("", "-1", NONE)


@dataclass(frozen=True)
class Gpu:
    """A GPU that TensorFlow can use.

    Attributes:
        visible: what CUDA_VISIBLE_DEVICES calls it: a number, or what the user wrote there.
        name: of its kind, as "Tesla T4".
    """

    visible: str
    name: str


@cache
def found() -> tuple[Gpu, ...]:
    """The GPUs that TensorFlow can use; none where CUDA_VISIBLE_DEVICES hides them.

    Asked and tried once, in a process of its own, and only where there seems to be one.
    """
    given, (names, _) = tensorflow_setup.visible_gpus(), _tried()
    ours = [str(number) for number in range(len(names))] if given == ALL else given.split(",")
    return tuple(Gpu(one, name) for one, name in zip(ours, names, strict=False) if name)


@cache
def _tried() -> tuple[list[str], str]:
    """What ``_names`` gives; nothing where there seems to be no GPU."""
    if not _is_there():
        return [], ""
    try:
        return processes.call_apart(_names, tensorflow_setup.visible_gpus())
    except MachineError as error:  # TensorFlow ended its process: the CPU cores remain
        return [], error.what


def _is_there() -> bool:
    """Whether there seems to be a GPU, which the user has not hidden."""
    return tensorflow_setup.visible_gpus() not in HIDDEN and any(any(Path("/").glob(sign)) for sign in SIGNS)


def _names(given: str) -> tuple[list[str], str]:
    """The names of the visible GPUs, "" for one that fails, and the first error; in a process of its own."""
    os.environ[ASSIGNED] = given
    try:
        tensorflow_setup.setup()
    except Exception as error:  # as of a GPU that is taken by others alone: the CPU cores remain
        return [], shown(str(error))
    import tensorflow as tf

    names, first = [], ""
    for number, device in enumerate(tf.config.list_physical_devices("GPU")):
        try:  # it may be full, or CUDA's libraries or TensorFlow too old for it
            _compute_on(number)
            names.append(str(tf.config.experimental.get_device_details(device).get("device_name", "GPU")))
        except Exception as error:
            names.append("")
            first = first or shown(str(error))
    return names, first


def _compute_on(number: int) -> None:
    """Compute a little of what a training computes.

    Raises:
        Exception: the GPU can't, or TensorFlow leaves it out (of too small or too old ones it computes on
            the CPU cores without a word).
    """
    import tensorflow as tf

    with tf.device(f"/GPU:{number}"):
        made = tf.nn.conv2d(tf.ones((1, 4, 4, 1)), tf.ones((3, 3, 1, 1)), 1, "SAME")
        if not made.device.endswith(f"GPU:{number}"):
            raise RuntimeError("TensorFlow leaves this GPU out: it is too old or too small")
        (tf.cast(made, tf.float16) * 2).numpy()  # compiled when it is first used, which a new GPU may refuse
        xla_works()  # where it ends the process, it would end a worker too


def xla_works() -> bool:
    """Whether XLA compiles for the device of this scope.

    Exponential, logarithm and cosine, as in a training step, need a file of CUDA's (libdevice) that simpler
    operations do not need.
    """
    import tensorflow as tf

    compiled = tf.function(
        lambda x: tf.exp(x) + tf.math.log(x) + tf.cos(x), jit_compile=True, autograph=False
    )
    try:
        return bool(math.isfinite(float(compiled(tf.constant(0.5)))))
    except (tf.errors.OpError, ValueError):
        return False


def described() -> list[str]:
    """Lines that say which GPUs are used, or that one is there but can't be; none where there is none."""
    names = [gpu.name for gpu in found()]
    if names:
        many = names[0] if len(names) == 1 else f"{len(names)} GPUs, each with a worker: {', '.join(names)}"
        return [f"search: training on {many} (CUDA_VISIBLE_DEVICES=-1: on the CPU cores)"]
    if _is_there():
        brings = f"{sys.executable} -m pip install 'tensorflow[and-cuda]' brings CUDA's libraries"
        return [
            "search: there is a GPU, but TensorFlow can't use it: training on the CPU cores",
            *([f"  its error: {_tried()[1]}"] if _tried()[1] else []),
            "  perhaps another program or notebook cell holds its memory (nvidia-smi): end that one first",
            f"  {brings}, if they are missing",
        ]
    return []


@contextlib.contextmanager
def assigned(taken: Sequence[str | None] = ()) -> Iterator[str | None]:
    """Processes started within the block get the GPU with the fewest processes; where there is none, none.

    Args:
        taken: the GPUs of the processes that run, as this function gave them.

    Yields:
        What the GPU is called; None: the processes compute on the CPU cores.
    """
    if not found():
        yield None
        return
    gpu = min((gpu.visible for gpu in found()), key=list(taken).count)
    with processes.environment({}, {ASSIGNED: gpu}):
        yield gpu
