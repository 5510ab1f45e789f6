"""Trains a network: as many epochs of the step in step.py as fit into the time.

On CPUs the pictures stay uint8, mapped from disk (see placement.py); a step gathers its rows, and many steps
run inside one graph.
"""

import math
import time
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from catwalk.data import duplicates
from catwalk.data.competition import Competition
from catwalk.data.prepare import Prepared
from catwalk.models import augment, graph, network, placement, space
from catwalk.models.epoch import Epoch
from catwalk.models.features import FeatureSet
from catwalk.models.space import Params
from catwalk.models.step import Labelled, Settings, Step

CHECK_SECONDS = 0.5  # how often, roughly, the training checks the time
PACE_SECONDS = 1.0  # over which the time of an epoch is measured
FIRST_EPOCHS = 3  # whose time includes the tracing, or other processes that start
STRETCH = 1.5  # times the epochs that are wanted, at most
PLAN_SHARE = 0.95  # of the time left is used for the plan; the rest is for the evaluation of the last epoch


class OutOfTimeError(Exception):
    """The time ran out before the training ended."""


class DivergedError(Exception):
    """The loss is no longer a finite number."""


class Training:
    """The training of one network on one competition's training rows.

    Args:
        prepared: the competition's arrays and split.
        competition: its shape, classes and allowed augmentation.
        views: what the features need.
        precision: "float32", "bfloat16" or "float16", see ``precision``.
        params: a choice from ``space.SPACE``.
        seed: of the initial weights, the order of the rows, augmentation and dropout.
    """

    def __init__(
        self,
        prepared: Prepared,
        competition: Competition,
        views: FeatureSet,
        precision: str,
        params: Params,
        seed: int,
    ) -> None:
        self._began = time.monotonic()
        self.prepared, self.params = prepared, params
        self._learned = duplicates.of_learning(prepared)
        self.rows = len(self._learned)
        self.predicted_rows = len(prepared.validation)  # once it is trained, for which the time must last
        batch = space.batch_size(params, self.rows)
        # The rows that do not fill a last batch wait for the next epoch's order.
        self.steps_per_epoch = self.rows // batch
        self._rows_per_epoch = self.steps_per_epoch * batch
        self.model = network.build(len(competition.classes), params, views, seed)
        labelled = Labelled(
            placement.pixels(prepared.pixels, precision),
            placement.labels(prepared.labels),
            tf.convert_to_tensor(prepared.validation),
            self._table(views, precision, competition),
        )
        self._step = Step(self.model, labelled, Settings(params, views.shape, batch, seed, precision))
        self._random = np.random.default_rng(seed)
        self._shape = views.shape

    def _table(self, views: FeatureSet, precision: str, competition: Competition) -> tf.Tensor | None:
        """The precomputed features, if they are slow to compute and pictures are at most mirrored."""
        if self.params["view"] != "patches" or augment.changes(self.params):
            return None
        fixed = keras.Model(self.model.input, self.model.get_layer("features").output)
        seen = graph.of(fixed, placement.CPU)

        def compute(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
            if precision != "bfloat16":
                return np.asarray(seen(pixels))
            return np.asarray(tf.bitcast(tf.cast(seen(pixels), tf.bfloat16), tf.uint16))

        # A refit repeats its trial, whatever the TOML allows by now.
        has_mirrors = "flip" in competition.augment or bool(self.params["flip"])
        table = views.table(compute, has_mirrors)
        return None if table is None else placement.table(table, precision)

    def epochs(
        self,
        epochs: int,
        deadline: float | None,
        limit: float | None = None,
        first_epoch_seconds: float = 0.0,
        plan: Sequence[int] = (),
        may_stretch: bool = True,
    ) -> Iterator[Epoch]:
        """Train, and yield each epoch as it ends.

        Args:
            epochs: how many are wanted.
            deadline: ``time.monotonic()`` by which the model is trained and has predicted the validation
                rows; None: no time limit.
                The epochs are planned so that the schedule reaches its end, and so that trainings like
                this one, one after the other, fill the time: there may be half as many more, or fewer. In
                its first third the plan follows the time; then, as the learning rate falls, it only shrinks.
            limit: seconds, the building included, in which a further epoch must fit to begin; where XLA
                compiles the step, they count from the first epoch's end.
            first_epoch_seconds: training that it has in any case, and a whole first epoch, even if the
                deadline comes before; 0: the deadline holds.
            plan: how many epochs an earlier training planned after each of its epochs; the same then.
            may_stretch: False: at most so many epochs, however much time there is.

        Raises:
            OutOfTimeError: the deadline came before an epoch's end.
            DivergedError: the loss became NaN or infinite.
        """
        self._step.plan(epochs, self.steps_per_epoch)
        wanted, epoch, parts = epochs, 0, 1  # trainings like this one that share the time
        most = math.ceil(STRETCH * wanted) if may_stretch else wanted
        if deadline is not None:
            deadline -= self._prediction_seconds()
        ends = [time.monotonic()]  # of the epochs
        if deadline is not None and first_epoch_seconds:
            deadline = max(deadline, ends[0] + first_epoch_seconds)
        while epoch < epochs:
            train_loss, train_accuracy = self._epoch(None if first_epoch_seconds else deadline)
            loss, accuracy = (float(value) for value in self._step.evaluate())
            epoch += 1
            ends.append(now := time.monotonic())
            seconds = seconds_an_epoch(ends)
            is_compiling = epoch == 1 and placement.compiles()  # which takes longer than many epochs
            if deadline is not None and not is_compiling:
                fit = epoch + max(0, int(PLAN_SHARE * (deadline - now) / seconds))
                if epoch <= FIRST_EPOCHS and may_stretch:
                    parts = max(1, round(fit / wanted))
                may_grow = epoch <= may_grow_until(epochs)
                planned = min(most, fit // parts) if may_grow else min(epochs, fit)
            else:
                planned = plan[epoch - 1] if epoch <= len(plan) else epochs
            if planned != epochs:
                epochs = max(epoch, planned)
                self._step.plan(epochs, self.steps_per_epoch)
            if is_compiling:
                self._began = now
            elif limit is not None and now - self._began + seconds > limit:
                epochs = epoch
            yield Epoch(epoch, epochs, train_loss, train_accuracy, loss, accuracy)

    def _prediction_seconds(self) -> float:
        """Estimated seconds to predict all rows with the finished model, measured on a sample."""
        some, predicted = self.prepared.validation[:512], graph.Predictor(self.model)
        started = time.monotonic()
        predicted(self.prepared.pixels, some[:8])  # the first call makes the graph
        begun = time.monotonic()
        predicted(self.prepared.pixels, some)
        seconds = (time.monotonic() - begun) * self.predicted_rows / len(some)
        return float(1 + self.params["flip"]) * (begun - started + seconds)

    def finish(self) -> keras.Model:
        """End the training and return its model, from raw pixels to probabilities, in float32.

        A network trained on mirrored pictures averages its outputs for a picture and its mirror image.
        """
        self._step.finish()
        return network.mirrored(self.model, self._shape) if self.params["flip"] else self.model

    def _epoch(self, deadline: float | None) -> tuple[float, float]:
        order = tf.convert_to_tensor(self._random.permutation(self._learned))
        loss = right = 0.0
        step, count = 0, self.steps_per_epoch if deadline is None else 10
        while step < self.steps_per_epoch:
            count = min(count, self.steps_per_epoch - step)
            started = time.monotonic()
            # Tensors, not Python integers: each new integer would be traced again.
            sums = self._step.run(order, tf.constant(step), tf.constant(count))
            loss, right, step = loss + float(sums[0]), right + float(sums[1]), step + count
            if not math.isfinite(loss):
                raise DivergedError("the loss is no longer a finite number")
            if deadline is not None:
                now = time.monotonic()
                if now > deadline:
                    raise OutOfTimeError
                count = max(10, int(count * CHECK_SECONDS / max(now - started, 1e-3)))
        return loss / self._rows_per_epoch, right / self._rows_per_epoch


def may_grow_until(epochs: int) -> int:
    """The last epoch after which a plan of so many may become longer: then the learning rate falls."""
    return max(FIRST_EPOCHS, epochs // 3)


def seconds_an_epoch(ends: list[float]) -> float:
    """Seconds per epoch: the last one's or, if it was short, the mean of the last few.

    The first includes the tracing, so it counts only as long as it is the only one.

    Args:
        ends: when the first epoch began, then when each one ended.
    """
    before, first = len(ends) - 2, min(1, len(ends) - 2)
    while before > first and ends[-1] - ends[before] < PACE_SECONDS:
        before -= 1
    return (ends[-1] - ends[before]) / (len(ends) - 1 - before)
