"""Applying a layer to every frame of clips at once."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

# What maps each row of a batch by itself, the same in training. Others may look at the
# whole batch (BatchNormalization) or draw afresh each time they are called (Dropout).
_ROW_BY_ROW = (
    keras.layers.Activation,
    keras.layers.AveragePooling2D,
    keras.layers.Conv2D,
    keras.layers.Cropping2D,
    keras.layers.Dense,
    keras.layers.DepthwiseConv2D,
    keras.layers.Flatten,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.InputLayer,
    keras.layers.LayerNormalization,
    keras.layers.MaxPooling2D,
    keras.layers.ReLU,
    keras.layers.Rescaling,
    keras.layers.Reshape,
    keras.layers.SeparableConv2D,
    keras.layers.Softmax,
    keras.layers.UpSampling2D,
    keras.layers.ZeroPadding2D,
)


@keras.saving.register_keras_serializable("dotmotion")
class EachFrame(keras.layers.TimeDistributed):
    """Applies a layer to every time step.

    Takes the arguments of `keras.layers.TimeDistributed` and gives its outputs. Where the
    layer (or each layer of a `Sequential`) treats the rows of a batch by themselves, time
    is folded into the batch, so that it is called once; Keras calls it once for each
    step. Otherwise, and with a mask, Keras's own computation is used.

    Input: `[b, steps, ...]`. Output: `[b, steps, ...]`.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Runs the layer; see the class."""
        shape = inputs.shape[1:]
        if mask is not None or None in shape or not _is_row_by_row(self.layer):
            return super().call(inputs, training=training, mask=mask)
        options = {"training": training} if self.layer._call_has_training_arg else {}
        folded = self.layer(tf.reshape(inputs, (-1, *shape[1:])), **options)
        return tf.reshape(folded, (-1, shape[0], *folded.shape[1:]))


def _is_row_by_row(layer: keras.Layer) -> bool:
    if type(layer) is keras.Sequential:
        return all(_is_row_by_row(inner) for inner in layer.layers)
    # A subclass may do anything, unless it says that it does not.
    return type(layer) in _ROW_BY_ROW or getattr(layer, "is_row_by_row", False)
