"""Networks: builds and loads them, and computes their probabilities.

Only this module and the two of the families, ``dense_network`` and ``conv_network``, have Keras layers.
"""

import json
import math
import zipfile
import zlib
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
from packaging.version import Version

from catwalk.core.errors import UserError
from catwalk.models import conv_network, dense_network, graph
from catwalk.models.features import FeatureSet
from catwalk.models.space import Params


def load(path: Path) -> keras.Model:
    """Load a kept network, in Keras's safe mode.

    Raises:
        FileNotFoundError: it is not there.
        UserError: the file is damaged, or of a newer Keras than the one here.
    """
    if not path.is_file():
        raise FileNotFoundError(path)
    try:
        return keras.models.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile, zlib.error, EOFError):
        if newer := _newer_keras(path):
            what = f"{path} was saved by Keras {newer}, and Keras {keras.__version__} is installed"
            raise UserError(what, fix=f"run make setup, or pip install 'keras>={newer}'") from None
        raise UserError(f"{path} is damaged", fix="rename it and run make predict again") from None


def _newer_keras(path: Path) -> str | None:
    """The version of Keras that saved the file, if it is newer than this one."""
    try:
        with zipfile.ZipFile(path) as archive:
            version = str(json.loads(archive.read("metadata.json"))["keras_version"])
        return version if Version(version) > Version(keras.__version__) else None
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile, zlib.error):
        return None  # the file is damaged


def build(classes: int, params: Params, views: FeatureSet, seed: int) -> keras.Model:
    """Build a network of standard Keras layers.

    Args:
        classes: how many there are.
        params: a choice from ``space.SPACE``.
        views: what the features need.
        seed: of the initial weights and of dropout.

    Returns:
        A model from raw pixels 0-255 (rows, pixels) float32 to probabilities (rows, classes) float32.
        Up to the layer "features" nothing is learned; after it come layers of a kind that layers.py can run.
    """
    seeds = iter(range(seed * 1000, seed * 1000 + 1000))
    inputs = keras.Input((math.prod(views.shape),), name="pixels")
    if params["family"] == "conv":
        x = conv_network.hidden(conv_network.features(inputs, views), views.shape, params, seeds)
    else:
        x = dense_network.hidden(dense_network.features(inputs, params["view"], views), params, seeds)
    glorot = keras.initializers.GlorotUniform(seed=next(seeds))
    logits = keras.layers.Dense(classes, kernel_initializer=glorot, name="logits")(x)
    return keras.Model(inputs, keras.layers.Softmax(name="probabilities")(logits))


def mirrored(model: keras.Model, shape: tuple[int, ...]) -> keras.Model:
    """A model that averages ``model``'s outputs for a picture and for its mirror image."""
    inputs = keras.Input((math.prod(shape),), name="pixels")
    picture = keras.layers.Reshape(shape)(inputs)
    mirror = keras.layers.Reshape((math.prod(shape),))(keras.ops.flip(picture, axis=2))
    both = [model(inputs), model(mirror)]
    return keras.Model(inputs, keras.layers.Average(name="mean_of_mirrors")(both))


def unmirrored(model: keras.Model) -> keras.Model:
    """The network within ``mirrored``'s; the model itself if it is none."""
    return next((layer for layer in model.layers if isinstance(layer, keras.Model)), model)


def pixel_weights(model: keras.Model) -> npt.NDArray[np.float32]:
    """(pixels, classes): the weights of a network without hidden layers on raw pixels."""
    kernel: npt.NDArray[np.float32] = model.get_layer("logits").get_weights()[0]
    return kernel


def stem_filters(model: keras.Model) -> npt.NDArray[np.float32]:
    """(side, side, channels, filters): the first convolution of a convolutional network.

    Args:
        model: from ``build``, or a kept one, which may wrap it, see ``mirrored``.
    """
    filters: npt.NDArray[np.float32] = unmirrored(model).get_layer("stem").get_weights()[0]
    return filters


def probabilities(
    model: keras.Model, pixels: npt.NDArray[np.uint8], rows: npt.NDArray[np.integer] | None = None
) -> npt.NDArray[np.float32]:
    """A network's probabilities, (rows, classes) float32, computed block by block.

    Args:
        model: from ``build``, or a kept one.
        pixels: (any, pixels) uint8.
        rows: which of them; None: all.
    """
    return graph.Predictor(model)(pixels, rows)
