"""How fast this machine multiplies matrices; without TensorFlow, which only the measuring process imports."""


def measure() -> tuple[str, float]:
    """The faster precision, and the operations per second of a typical matrix product in it with one thread.

    To be called in a process of its own, which it sets up.
    """
    from catwalk.core import tensorflow_setup

    tensorflow_setup.setup(threads=1)
    from catwalk.models import precision

    faster = precision.fastest()
    return faster, precision.rate(faster, *precision.SHAPE)
