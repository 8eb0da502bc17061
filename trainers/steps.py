"""One training step and one evaluation step, over all replicas of a strategy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from trainers.models import normalize

# Loss summed over rows, rows classified rightly, rows.
_Totals = list[tf.Tensor]


def make_optimizer(learning_rate: float, precision: str) -> keras.optimizers.Optimizer:
    """Adam; for 'mixed_float16' with a loss scale that follows the gradients.

    Args:
      learning_rate: of Adam.
      precision: Keras's dtype policy.
    """
    optimizer = keras.optimizers.Adam(learning_rate)
    if precision == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def make_train_step(
    strategy: tf.distribute.Strategy,
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    *,
    clip_norm: float,
    use_xla: bool = False,
) -> Any:
    """Makes the function that trains on one global batch.

    The gradient is that of the mean loss over the rows of the global batch, however they
    are spread; it is summed over the replicas before it is clipped, so replicas change
    nothing but the order of a sum.

    Args:
      strategy: where the model lives.
      model: made under `strategy.scope()`.
      optimizer: made and built under `strategy.scope()`.
      clip_norm: largest global norm of the gradient; 0 for no limit.
      use_xla: whether XLA compiles each replica's forward and backward pass. What is
        summed over the replicas and the optimizer stay outside.

    Returns:
      A `tf.function` from a distributed batch of `video`, `label` and `weight` to float32
      `[loss, accuracy, gradient norm before clipping, rows]` of the global batch.
    """
    variables = model.trainable_variables

    def backward(batch: dict[str, tf.Tensor], scale: tf.Tensor) -> tuple[Any, _Totals]:
        with tf.GradientTape() as tape:
            totals = _forward(model, batch, training=True)
            loss = totals[0] * scale
        return tape.gradient(loss, [variable.value for variable in variables]), totals

    if use_xla:
        backward = tf.function(backward, jit_compile=True, autograph=False)

    def replica_step(batch: dict[str, tf.Tensor]) -> tf.Tensor:
        scale = tf.constant(1.0)
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            scale = optimizer.dynamic_scale.value
        gradients, totals = backward(batch, scale)
        context = tf.distribute.get_replica_context()
        *gradients, loss, correct, rows = context.all_reduce(
            tf.distribute.ReduceOp.SUM, [*gradients, *totals]
        )
        # Still scaled: the optimizer looks for overflow first, and then undoes it.
        gradients = [gradient / rows for gradient in gradients]
        norm = tf.linalg.global_norm(gradients)
        if clip_norm:
            gradients, _ = tf.clip_by_global_norm(gradients, clip_norm * scale, norm)
        # Keras's optimizer sums over the replicas once more.
        replicas = float(strategy.num_replicas_in_sync)
        optimizer.apply([gradient / replicas for gradient in gradients], variables)
        return tf.stack([loss / rows, correct / rows, norm / scale, rows])

    @tf.function(reduce_retracing=True)
    def train_step(batch: Any) -> tf.Tensor:
        per_replica = strategy.run(replica_step, args=(batch,))
        return strategy.experimental_local_results(per_replica)[0]

    return train_step


def make_eval_step(
    strategy: tf.distribute.Strategy,
    model: keras.Model,
    num_classes: int,
    *,
    use_xla: bool = False,
) -> Callable[[Any], tuple[tf.Tensor, tf.Tensor]]:
    """Makes the function that evaluates one global batch.

    Args:
      strategy: where the model lives.
      model: made under `strategy.scope()`.
      num_classes: classes of the labels.
      use_xla: whether XLA compiles each replica's forward pass.

    Returns:
      A function from a distributed batch of `video`, `label` and `weight` to the float32
      sum of the loss over its rows and the float32 `[num_classes, num_classes]`
      confusion matrix: rows are true classes, columns predicted ones.
    """

    def predict(video: tf.Tensor) -> tf.Tensor:
        return model(normalize(video), training=False)

    if use_xla:
        predict = tf.function(predict, jit_compile=True, autograph=False)

    def replica_step(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        probabilities = predict(batch["video"])
        losses = keras.losses.sparse_categorical_crossentropy(batch["label"], probabilities)
        confusion = tf.math.confusion_matrix(
            batch["label"],
            tf.argmax(probabilities, axis=-1),
            num_classes,
            weights=batch["weight"],
            dtype=tf.float32,
        )
        return tf.reduce_sum(losses * batch["weight"]), confusion

    @tf.function(reduce_retracing=True)
    def eval_step(batch: Any) -> tuple[tf.Tensor, tf.Tensor]:
        per_replica = strategy.run(replica_step, args=(batch,))
        return tuple(
            strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None)
            for value in per_replica
        )

    return eval_step


def _forward(model: keras.Model, batch: dict[str, tf.Tensor], *, training: bool) -> _Totals:
    probabilities = model(normalize(batch["video"]), training=training)
    losses = keras.losses.sparse_categorical_crossentropy(batch["label"], probabilities)
    hits = tf.equal(tf.argmax(probabilities, axis=-1), batch["label"])
    weight = batch["weight"]
    return [
        tf.reduce_sum(losses * weight),
        tf.reduce_sum(tf.cast(hits, tf.float32) * weight),
        tf.reduce_sum(weight),
    ]
