"""How fast this machine trains convolutional networks, estimated from what is measured within a second.

That is a matrix product on CPU cores, a convolution on a GPU. Without TensorFlow, which only the measuring
process imports.
"""

# Of the measured rate, with augmentation, loss, update and averages; measured by benchmarks/conv_rate.py, and
# by benchmarks/gpu.py: 0.47 for 64 channels on an H200, more for wider networks.
CPU_SHARE = 0.6
GPU_SHARE = 0.4


def measure() -> tuple[str, float]:
    """The fastest precision, and the operations per second at which a worker trains with it.

    To be called in a process of its own, which it sets up.
    """
    from catwalk.core import tensorflow_setup

    tensorflow_setup.setup(threads=1)
    from catwalk.models import placement, precision

    faster = precision.fastest()
    if placement.on_gpu():
        return faster, GPU_SHARE * precision.conv_rate(faster)
    return faster, CPU_SHARE * precision.rate(faster, *precision.SHAPE)
