"""The two architectures, as Keras models."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from dotmotion_tfds import splitmix
from trainers import layers as fast
from trainers.options import LAYERS, NESTINGS, require_choice
from trainers.recipes import MODELS

FILTERS = 5
KERNEL_SIZES = (4, 8, 8)
LSTM_UNITS = 5


def build(
    name: str,
    *,
    layers: str = "fast",
    clip_shape: tuple[int, int, int, int] = (20, 50, 130, 1),
    num_classes: int = 4,
    nesting: str = "flat",
    seed: int = 0,
) -> keras.Model:
    """Builds one of the notebook's classifiers.

    'cnn_lstm' runs three convolutions (5 filters of 4 x 4, 8 x 8 and 8 x 8, padding
    'same', relu), each followed by 2 x 2 max-pooling, on every frame, and a relu LSTM of
    5 units over the frames: 13,039 parameters at the default shape. 'conv_lstm' has
    three ConvLSTM layers of the same filters instead, the last of which keeps its last
    state only: 29,504 parameters. Both end in a softmax over the classes.

    Args:
      name: 'cnn_lstm' or 'conv_lstm'.
      layers: 'fast', those of `trainers.layers`, or 'stock', Keras's own. Weights have
        the same order and shapes.
      clip_shape: (frames, height, width, channels), height and width at least 8.
      num_classes: classes to tell apart, at least 1.
      nesting: how 'cnn_lstm' is written: 'flat' wraps each layer in `TimeDistributed`,
        'nested' wraps one `Sequential` of them. Weights and outputs are the same.
      seed: of the initial weights.

    Returns:
      A model from float32 clips `[b, frames, height, width, channels]` in [0, 1] (see
      `normalize`) to probabilities `[b, num_classes]`.

    Raises:
      trainers.options.OptionsError: if `name`, `layers` or `nesting` is unknown.
      ValueError: if the clip shape is too small.
    """
    require_choice("model", name, MODELS)
    require_choice("layers", layers, LAYERS)
    require_choice("nesting", nesting, NESTINGS)
    if len(clip_shape) != 4 or min(clip_shape) < 1 or min(clip_shape[1:3]) < 8:
        raise ValueError(
            f"clip_shape={tuple(clip_shape)} is not usable: expected (frames, height, "
            "width, channels) with a height and width of at least 8"
        )
    initializers = _Initializers(seed)
    parts = _PARTS[layers]
    clips = keras.Input(clip_shape, name="clips")
    if name == "cnn_lstm":
        features = _cnn_lstm(clips, nesting, initializers, parts)
    else:
        features = _conv_lstm(clips, initializers, parts)
    outputs = keras.layers.Dense(
        num_classes,
        activation="softmax",
        kernel_initializer=initializers.kernel(),
        name="classifier",
    )(features)
    return keras.Model(clips, outputs, name=name)


def normalize(video: tf.Tensor) -> tf.Tensor:
    """Maps uint8 video in 0..255 to the float32 in [0, 1] that the models take."""
    return tf.cast(video, tf.float32) / 255.0


class _Initializers:
    """Keras's default initializers, seeded one by one: no global random state."""

    def __init__(self, seed: int) -> None:
        # Keras takes 32-bit seeds.
        self._seed = splitmix.stream_key(int(seed), "weights") >> 33

    def kernel(self) -> keras.initializers.Initializer:
        return keras.initializers.GlorotUniform(seed=self._next())

    def recurrent(self) -> keras.initializers.Initializer:
        return keras.initializers.Orthogonal(seed=self._next())

    def _next(self) -> int:
        self._seed += 1
        return self._seed


@dataclasses.dataclass(frozen=True)
class _Parts:
    """The layers that the models are made of, beside those that both kinds share.

    Attributes:
      each_frame: wraps a layer for each frame.
      convolved_and_pooled: layers for a convolution and 2 x 2 pooling of a frame, from the
        number of the convolution and the arguments of `Conv2D`.
      max_pooling: the layer that pools a frame.
      lstm: the recurrent layer.
      conv_lstm: the convolutional one.
    """

    each_frame: type[keras.Layer]
    convolved_and_pooled: Callable[..., list[keras.Layer]]
    max_pooling: type[keras.Layer]
    lstm: type[keras.Layer]
    conv_lstm: type[keras.Layer]


_PARTS = {
    "stock": _Parts(
        each_frame=keras.layers.TimeDistributed,
        convolved_and_pooled=lambda number, **options: [
            keras.layers.Conv2D(name=f"conv{number}", **options),
            keras.layers.MaxPooling2D(2, name=f"pool{number}"),
        ],
        max_pooling=keras.layers.MaxPooling2D,
        lstm=keras.layers.LSTM,
        conv_lstm=keras.layers.ConvLSTM2D,
    ),
    "fast": _Parts(
        each_frame=fast.EachFrame,
        convolved_and_pooled=lambda number, **options: [
            fast.Conv2D(name=f"conv{number}", pool_size=2, **options)
        ],
        max_pooling=fast.MaxPooling2D,
        lstm=fast.LSTM,
        conv_lstm=fast.ConvLSTM2D,
    ),
}


def _cnn_lstm(clips: Any, nesting: str, initializers: _Initializers, parts: _Parts) -> Any:
    per_frame: list[keras.Layer] = []
    for number, size in enumerate(KERNEL_SIZES, start=1):
        per_frame += parts.convolved_and_pooled(
            number,
            filters=FILTERS,
            kernel_size=size,
            padding="same",
            activation="relu",
            kernel_initializer=initializers.kernel(),
        )
    per_frame.append(keras.layers.Flatten(name="flatten"))
    if nesting == "nested":
        per_frame = [keras.Sequential(per_frame, name="frame_encoder")]
    features = clips
    for layer in per_frame:
        features = parts.each_frame(layer, name=f"each_{layer.name}")(features)
    return parts.lstm(
        LSTM_UNITS,
        activation="relu",
        kernel_initializer=initializers.kernel(),
        recurrent_initializer=initializers.recurrent(),
        name="lstm",
    )(features)


def _conv_lstm(clips: Any, initializers: _Initializers, parts: _Parts) -> Any:
    features = clips
    for number, size in enumerate(KERNEL_SIZES, start=1):
        last = number == len(KERNEL_SIZES)
        features = parts.conv_lstm(
            FILTERS,
            size,
            padding="same",
            activation="relu",
            return_sequences=not last,
            kernel_initializer=initializers.kernel(),
            recurrent_initializer=initializers.recurrent(),
            name=f"conv_lstm{number}",
        )(features)
        pool = parts.max_pooling(2, name=f"pool{number}")
        if not last:
            pool = parts.each_frame(pool, name=f"each_pool{number}")
        features = pool(features)
    return keras.layers.Flatten(name="flatten")(features)
