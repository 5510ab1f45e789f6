"""Placement: where a training's arrays lie and how its graphs run, on CPU cores or on a GPU.

On CPU cores arrays stay mapped from disk, shared by all workers. On a GPU they are copied there once, in the
precision of the layers: most of TensorFlow's operations have no GPU version for bytes.
"""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from catwalk.core import gpus

CPU = "/CPU:0"
ALIGNED = 64  # bytes: where a tensor's memory must begin, and the data of an .npy file does


@cache
def on_gpu() -> bool:
    """Whether this process computes on a GPU."""
    return bool(tf.config.list_logical_devices("GPU"))


def capability() -> tuple[int, int]:
    """The GPU's compute capability: (7, 5) for a Tesla T4. (0, 0) without one."""
    if not on_gpu():
        return (0, 0)
    details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
    major, minor = details.get("compute_capability", (0, 0))
    return int(major), int(minor)


@cache
def compiles() -> bool:
    """Whether training steps are compiled by XLA: on a GPU, if XLA finds the parts of CUDA that it needs.

    A step has hundreds of small operations, and a GPU takes longer to start them one by one than to compute
    them: 7 ms a step without XLA, 1.1 with it (benchmarks/gpu.py).
    """
    return on_gpu() and gpus.xla_works()


def pixels(array: npt.NDArray[np.uint8], precision: str) -> tf.Tensor:
    """Pictures (rows, pixels): uint8 as they are, or on a GPU in the layers' precision.

    0 to 255 are exact in all of them.
    """
    return tf.cast(tf.constant(np.asarray(array)), precision) if on_gpu() else mapped(array)


def labels(array: npt.NDArray[np.uint8]) -> tf.Tensor:
    """Positions of classes (rows,): uint8, or on a GPU int32."""
    return tf.convert_to_tensor(np.asarray(array, np.int32) if on_gpu() else array)


def table(array: npt.NDArray[Any], precision: str) -> tf.Tensor:
    """A table of features, float32 or bits of bfloat16: as it is, or on a GPU in the layers' precision."""
    if not on_gpu():
        return mapped(array)
    values = tf.constant(np.asarray(array))
    return tf.cast(tf.bitcast(values, tf.bfloat16) if array.dtype == np.uint16 else values, precision)


def mapped(array: npt.NDArray[Any]) -> tf.Tensor:
    """A tensor that shares the array's memory: a file mapped from disk is loaded once for all workers."""
    array = np.asarray(array)
    if array.ctypes.data % ALIGNED:  # not of a file: TensorFlow would end the process
        return tf.constant(array)
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
