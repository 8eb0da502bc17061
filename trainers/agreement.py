"""What several workers have to do at the same step, though only one of them was told."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


def make_agreement(strategy: tf.distribute.Strategy) -> Callable[[bool], bool]:
    """Makes the question whether the answer of any worker is yes.

    A scheduler may ask one worker alone to stop, and signals to all of them arrive at
    different steps. A worker that leaves alone leaves the others in a sum over all of them
    that never ends.

    Args:
      strategy: that the run trains under.

    Returns:
      A function from this worker's answer to that of all. All workers have to call it
      equally often: it waits for the others. A single worker is not made to wait.
    """
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return bool

    def replica_sum(answer: tf.Tensor) -> tf.Tensor:
        context = tf.distribute.get_replica_context()
        # On the replica's device: only there can a sum over replicas be taken.
        return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(answer))

    @tf.function
    def ask(answer: tf.Tensor) -> tf.Tensor:
        per_replica = strategy.run(replica_sum, args=(answer,))
        return strategy.experimental_local_results(per_replica)[0]

    return lambda answer: bool(ask(tf.constant(float(answer))) > 0)
