"""From a step to the indices of its clips: epochs, permutation, shard.

Nothing here has state: the order of any epoch, and the slice of any shard, can be had
for any step without running the steps before it.
"""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from dotmotion_tfds import splitmix
from dotmotion_tfds.arrays_tensorflow import TENSORFLOW
from dotmotion_tfds.spec import MAX_BATCH_SIZE, SpecError, require_integer

MAX_EPOCHS = 1 << 31


def require_start_step(start_step: int, batch_size: int) -> int:
    """The Python integer that `start_step` stands for, if indices from it on fit 63 bits.

    Raises:
      SpecError: otherwise, or if `batch_size` is out of range.
    """
    rows = require_integer("batch_size", batch_size, 1, MAX_BATCH_SIZE)
    return require_integer("start_step", start_step, 0, (1 << 62) // rows)


@dataclasses.dataclass(frozen=True)
class Order:
    """Which clips make up each batch.

    Attributes:
      batch_size: clips in a global batch, over all shards.
      shard: `(i, n)`: of a global batch of b rows this shard has rows i*b//n up to
        (i+1)*b//n.
      split_size: clips in one pass over the split; only used with `epochs`.
      epochs: None for endless fresh clips, where row r of step s is clip
        s * batch_size + r; otherwise the number of passes over the split, each in an
        order of its own. The last batch of a pass is short where the batch size does
        not divide the split.
      key: seeds the permutations, in [0, 2**64).

    Raises:
      SpecError: on construction, when a value is out of range.
    """

    batch_size: int
    shard: tuple[int, int]
    split_size: int
    epochs: int | None
    key: int

    def __post_init__(self) -> None:
        batch_size = require_integer("batch_size", self.batch_size, 1, MAX_BATCH_SIZE)
        object.__setattr__(self, "batch_size", batch_size)
        if self.epochs is not None:
            epochs = require_integer("epochs", self.epochs, 1, MAX_EPOCHS)
            object.__setattr__(self, "epochs", epochs)
        try:
            index, count = self.shard
        except (TypeError, ValueError):
            raise SpecError(
                f"shard={self.shard!r} is malformed: expected (index, count), such as "
                "(0, 2) for the first of two"
            ) from None
        count = require_integer("the shard count", count, 1, MAX_BATCH_SIZE)
        index = require_integer("the shard index", index, 0, count - 1)
        object.__setattr__(self, "shard", (index, count))
        if self.batch_size % count:
            raise SpecError(
                f"batch_size={self.batch_size} is not divisible by {count} shards: "
                f"use a multiple of {count}"
            )

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass over the split, the short one included."""
        return -(-self.split_size // self.batch_size)

    @property
    def num_steps(self) -> int | None:
        """Batches in all, or None when endless."""
        return None if self.epochs is None else self.epochs * self.steps_per_epoch

    @property
    def static_rows(self) -> int | None:
        """Rows of every batch of this shard, or None when a batch can be short."""
        if self.epochs is not None and self.split_size % self.batch_size:
            return None
        return self.batch_size // self.shard[1]

    def steps(self, start_step: int) -> tf.data.Dataset:
        """A dataset of the step numbers from `start_step` on, int64 scalars."""
        if self.num_steps is None:
            return tf.data.Dataset.counter(start_step)
        return tf.data.Dataset.range(min(start_step, self.num_steps), self.num_steps)

    def indices(self, step: tf.Tensor) -> tf.Tensor:
        """Clip indices of this shard's rows of one batch.

        Args:
          step: int64 scalar, not negative.

        Returns:
          int64 `[rows]`.
        """
        shard_index, shard_count = self.shard
        if self.epochs is None:
            rows = self.batch_size // shard_count
            first = step * self.batch_size + shard_index * rows
            return first + tf.range(rows, dtype=tf.int64)
        epoch = step // self.steps_per_epoch
        start = (step - epoch * self.steps_per_epoch) * self.batch_size
        rows = tf.minimum(tf.constant(self.batch_size, tf.int64), self.split_size - start)
        # Permuted as a whole and then cut: `index_shuffle` refuses an empty vector, which
        # a shard's part of a short batch can be.
        whole = self._permute(start + tf.range(rows), epoch)
        first = shard_index * rows // shard_count
        stop = (shard_index + 1) * rows // shard_count
        indices = whole[first:stop]
        indices.set_shape([self.static_rows])
        return indices

    def _permute(self, positions: tf.Tensor, epoch: tf.Tensor) -> tf.Tensor:
        draw = splitmix.draws(
            TENSORFLOW, TENSORFLOW.uint64(self.key), TENSORFLOW.uint64(epoch)
        )
        halves = tf.stack([draw, TENSORFLOW.shift_right(draw, 32)])
        return tf.random.experimental.index_shuffle(
            positions,
            seed=tf.cast(halves, tf.uint32),
            max_index=tf.constant(self.split_size - 1, tf.int64),
        )
