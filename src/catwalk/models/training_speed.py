"""How fast this machine trains convolutional networks, estimated from what is measured within seconds.

Without TensorFlow, which only the measuring processes import.
"""

from catwalk.core import advice
from catwalk.core.errors import MachineError, shown

# Of the measured rate, with augmentation, loss, update and averages. On an AMD EPYC 32 channels reach 0.73 of
# the block's in bfloat16 (benchmarks/conv_rate.py); on an H200 64 channels reach 0.47 of the convolution's
# (benchmarks/gpu.py). Wider networks reach more.
CPU_SHARE = 0.7
GPU_SHARE = 0.4


def middle(measured: list[tuple[str, float]]) -> tuple[str, float]:
    """What ``measure`` said in the process whose rate is in the middle.

    Of two, the faster one: what they share slows both, and what slows one alone is another program.
    """
    return sorted(measured, key=lambda one: one[1])[len(measured) // 2]


def measure() -> tuple[str, float]:
    """The fastest precision, and the operations per second at which a worker trains with it.

    To be called in a process of its own, which it sets up; on CPU cores in as many at once as there are
    workers: two of a processor's threads may share one core's units, and all share the memory.

    Raises:
        MachineError: it can't be measured, as on a GPU whose memory others have taken.
    """
    try:
        return _measured()
    except Exception as error:  # such as one of TensorFlow's, which the parent has not imported
        what = f"measuring it failed: {type(error).__name__}: {shown(error)}"
        raise MachineError(what, fix=advice.CLOSE_PROGRAMS) from None


def _measured() -> tuple[str, float]:
    from catwalk.core import tensorflow_setup

    tensorflow_setup.setup(threads=1)
    from catwalk.models import conv_speed, placement, precision

    faster = precision.fastest()
    if placement.on_gpu():
        return faster, GPU_SHARE * conv_speed.forward(faster)
    return faster, CPU_SHARE * conv_speed.block(faster)
