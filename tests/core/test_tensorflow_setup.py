"""tensorflow_setup.py: what is set before TensorFlow is imported."""

import os
import subprocess
import sys

import pytest


def test_gpus_are_hidden_before_the_import() -> None:
    """A module in TensorFlow's place says what it would see."""
    code = (
        "import os, sys, types\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'tensorflow':\n"
        "            print(os.environ.get('CUDA_VISIBLE_DEVICES')); os._exit(0)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from catwalk.core import tensorflow_setup\n"
        "tensorflow_setup._silent_stderr = __import__('contextlib').nullcontext\n"
        "tensorflow_setup.setup()\n"
    )
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "0", "PYTHONUNBUFFERED": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout == "-1,-1\n", done.stderr


@pytest.mark.slow
def test_what_keras_offers_for_others_is_left_out() -> None:
    """And can be imported afterwards, for catwalk's own use."""
    code = (
        "import sys\n"
        "from catwalk.core import tensorflow_setup\n"
        "tensorflow_setup.setup()\n"
        "assert not {'matplotlib', 'pandas', 'sklearn'} & set(sys.modules)\n"
        "import matplotlib, pandas, sklearn, keras\n"
        "numbers = pandas.DataFrame({'a': [1.0]}).to_numpy()\n"
        "keras.Sequential([keras.layers.Dense(2)]).predict(numbers, verbose=0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
