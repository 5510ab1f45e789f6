"""How fast this machine multiplies matrices; without TensorFlow, which only the measuring process imports."""


def measure() -> float:
    """Operations per second of a typical matrix product in the faster precision, with one thread.

    To be called in a process of its own, which it sets up.
    """
    from catwalk.core import tensorflow_setup

    tensorflow_setup.setup(threads=1)
    from catwalk.models import precision

    return precision.rate(precision.fastest(), *precision.SHAPE)
