"""conv_speed.py: rates that count each operation once."""

import pytest

from catwalk.core import tensorflow_setup

tensorflow_setup.setup(threads=1)

import tensorflow as tf  # noqa: E402  (after the set-up)

from catwalk.models import conv_speed  # noqa: E402
from catwalk.models.conv_plan import Stage  # noqa: E402


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conv_speed, "STAGE", Stage(14, 14, 16, blocks=1))
    monkeypatch.setattr(conv_speed, "ROWS", 8)
    monkeypatch.setattr(conv_speed, "SECONDS", 0.1)


def counted(graph: tf.Graph) -> int:
    """The operations of all convolutions in a graph and of their gradients, as TensorFlow counts them."""
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options |= {"output": "none", "account_type_regexes": ["Conv2D.*"]}
    return int(tf.compat.v1.profiler.profile(graph, options=options, cmd="op").total_float_ops)


def test_the_block_s_rate_counts_each_operation_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that gives each step a second, the rate is the number of operations."""
    graph = conv_speed.block_step("float32").get_concrete_function().graph  # type: ignore[attr-defined]
    monkeypatch.setattr(conv_speed, "_seconds", lambda compute: float(compute() is not None))
    assert conv_speed.block("float32") == counted(graph) > 0


def test_the_forward_rate_counts_each_operation_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures, kernel = conv_speed._random("float32", 1)
    once = tf.function(lambda x: tf.nn.conv2d(x, kernel, 1, "SAME")).get_concrete_function(pictures).graph
    monkeypatch.setattr(conv_speed, "fastest_round", lambda compute, _rounds: float(compute() is not None))
    assert conv_speed.forward("float32") == conv_speed.REPEATS * counted(once) > 0


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_block_is_measured_in_a_worker_s_precision(precision: str) -> None:
    nodes = conv_speed.block_step(precision).get_concrete_function().graph.get_operations()  # type: ignore[attr-defined]
    kinds = ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")
    convolutions = [node for node in nodes if node.type in kinds]
    assert len(convolutions) == 6
    assert {node.outputs[0].dtype.name for node in convolutions} == {precision}
    assert conv_speed.block(precision) > 0
