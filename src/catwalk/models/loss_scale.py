"""Loss scaling, for float16: without it, small gradients would be rounded to zero."""

import tensorflow as tf

FIRST = 2.0**15
GROWS_AFTER = 1000.0  # steps in a row without an overflow


class LossScale:
    """The factor of the loss, which follows the gradients (Micikevicius et al. 2018, arXiv 1710.03740).

    It is halved where a gradient overflows, and doubled after ``GROWS_AFTER`` steps without that.
    """

    def __init__(self) -> None:
        self._scale = tf.Variable(FIRST)
        self._fine = tf.Variable(0.0)  # steps since it last changed

    def scaled(self, loss: tf.Tensor) -> tf.Tensor:
        """The loss () times the factor."""
        return loss * self._scale

    def unscaled(self, gradients: list[tf.Tensor]) -> list[tf.Tensor]:
        """The loss's own gradients, from those of the scaled loss; zeros in a step in which one overflows."""
        is_finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])
        scale = self._scale + 0.0  # as it was for these
        result = [tf.where(is_finite, gradient / scale, 0.0) for gradient in gradients]
        fine = tf.where(is_finite, self._fine + 1.0, 0.0)
        grows = fine >= GROWS_AFTER
        kept = tf.where(grows, 2.0 * scale, scale)
        self._scale.assign(tf.where(is_finite, kept, tf.maximum(1.0, scale / 2.0)))
        self._fine.assign(tf.where(grows, 0.0, fine))
        return result
