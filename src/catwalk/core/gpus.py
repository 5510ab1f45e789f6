"""GPUs: which ones TensorFlow can use on this machine, and which one a new process gets.

A process that trains networks sees one GPU, which the environment variable ``ASSIGNED`` names; all other
processes compute on the CPU cores, so that none of them holds a GPU's memory.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from catwalk.core import processes, tensorflow_setup
from catwalk.core.errors import MachineError
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
    if not _is_there():
        return ()
    given = tensorflow_setup.visible_gpus()
    try:
        names = processes.call_apart(_names, given)
    except MachineError:  # TensorFlow ended its process: the CPU cores remain
        return ()
    ours = [str(number) for number in range(len(names))] if given == ALL else given.split(",")
    return tuple(Gpu(one, name) for one, name in zip(ours, names, strict=False) if name)


def _is_there() -> bool:
    """Whether there seems to be a GPU, which the user has not hidden."""
    return tensorflow_setup.visible_gpus() not in HIDDEN and any(any(Path("/").glob(sign)) for sign in SIGNS)


def _names(given: str) -> list[str]:
    """The names of the visible GPUs, "" for one that fails; runs in a process of its own."""
    os.environ[ASSIGNED] = given
    try:
        tensorflow_setup.setup()
    except Exception:  # whatever it is, as of a GPU that is taken by others alone: the CPU cores remain
        return []
    import tensorflow as tf

    names = []
    for number, device in enumerate(tf.config.list_physical_devices("GPU")):
        known = tf.config.experimental.get_device_details(device)
        try:  # it may be full, or CUDA's libraries may be of another version
            with tf.device(f"/GPU:{number}"):
                tf.nn.conv2d(tf.ones((1, 4, 4, 1)), tf.ones((3, 3, 1, 1)), 1, "SAME").numpy()
            names.append(str(known.get("device_name", "GPU")))
        except tf.errors.OpError:
            names.append("")
    return names


def described() -> list[str]:
    """A line that says which GPUs are used, or that one is there but can't be; none where there is none."""
    names = [gpu.name for gpu in found()]
    if names:
        many = names[0] if len(names) == 1 else f"{len(names)} GPUs, each with a worker: {', '.join(names)}"
        return [f"search: training on {many} (CUDA_VISIBLE_DEVICES=-1: on the CPU cores)"]
    if _is_there():
        brings = f"{sys.executable} -m pip install 'tensorflow[and-cuda]' brings CUDA's libraries"
        return [
            "search: there is a GPU, but TensorFlow can't use it: training on the CPU cores",
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
