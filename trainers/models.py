"""The two architectures, as Keras models."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from dotmotion_tfds import splitmix
from trainers import layers as fast
from trainers.architecture import FILTERS, KERNEL_SIZES, LSTM_UNITS
from trainers.options import (
    LAYERS,
    LSTM_ACTIVATIONS,
    NESTINGS,
    PRECISIONS,
    require_choice,
)
from trainers.processor import UseXla
from trainers.recipes import MODELS


def build(
    name: str,
    *,
    layers: str = "fast",
    clip_shape: tuple[int, int, int, int] = (20, 50, 130, 1),
    num_classes: int = 4,
    nesting: str = "flat",
    lstm_activation: str = "relu",
    precision: str = "float32",
    recurrent_max_norm: float = 0.0,
    use_xla: UseXla = "auto",
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
      lstm_activation: of the LSTM of 'cnn_lstm': 'relu', as in the notebook, or 'tanh',
        which cuDNN serves on a GPU (not measured).
      precision: Keras's dtype policy of all layers but the classifier, which is float32:
        'float32', 'mixed_bfloat16' or 'mixed_float16'.
      recurrent_max_norm: largest Euclidean norm of the recurrent weights of each gate of
        each filter of 'conv_lstm', kept by the optimizer; 0 for no limit. With relu inside,
        a state that is fed back with a gain above 1 grows with every frame.
      use_xla: whether XLA compiles what the fast layers do element by element; 'auto' for
        where it is faster, on a CPU.
      seed: of the initial weights.

    Returns:
      A model from float32 clips `[b, frames, height, width, channels]` in [0, 1] (see
      `normalize`) to probabilities `[b, num_classes]`.

    Raises:
      trainers.options.OptionsError: if `name`, `layers`, `nesting`, `lstm_activation` or
        `precision` is unknown.
      ValueError: if the clip shape is too small.
    """
    require_choice("model", name, MODELS)
    require_choice("layers", layers, LAYERS)
    require_choice("nesting", nesting, NESTINGS)
    require_choice("lstm_activation", lstm_activation, LSTM_ACTIVATIONS)
    require_choice("precision", precision, PRECISIONS)
    if len(clip_shape) != 4 or min(clip_shape) < 1 or min(clip_shape[1:3]) < 8:
        raise ValueError(
            f"clip_shape={tuple(clip_shape)} is not usable: expected (frames, height, "
            "width, channels) with a height and width of at least 8"
        )
    initializers = _Initializers(seed)
    dtype = keras.DTypePolicy(precision)
    parts = _stock_parts(dtype) if layers == "stock" else _fast_parts(dtype, use_xla)
    clips = keras.Input(clip_shape, name="clips")
    if name == "cnn_lstm":
        features = _cnn_lstm(clips, nesting, initializers, parts, lstm_activation)
    else:
        features = _conv_lstm(clips, initializers, parts, recurrent_max_norm)
    outputs = keras.layers.Dense(
        num_classes,
        activation="softmax",
        dtype="float32",
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
      conv_lstm_and_pooled: layers for a ConvLSTM and 2 x 2 pooling of its frames, from the
        number of the ConvLSTM and the arguments of `ConvLSTM2D`.
      lstm: the recurrent layer.
    """

    each_frame: Callable[..., keras.Layer]
    convolved_and_pooled: Callable[..., list[keras.Layer]]
    conv_lstm_and_pooled: Callable[..., list[keras.Layer]]
    lstm: Callable[..., keras.Layer]


def _stock_parts(dtype: keras.DTypePolicy) -> _Parts:
    def convolved_and_pooled(number: int, **options: Any) -> list[keras.Layer]:
        return [
            keras.layers.Conv2D(name=f"conv{number}", dtype=dtype, **options),
            keras.layers.MaxPooling2D(2, name=f"pool{number}", dtype=dtype),
        ]

    def conv_lstm_and_pooled(number: int, **options: Any) -> list[keras.Layer]:
        pool = keras.layers.MaxPooling2D(2, name=f"pool{number}", dtype=dtype)
        if options["return_sequences"]:
            pool = keras.layers.TimeDistributed(pool, name=f"each_{pool.name}", dtype=dtype)
        name = f"conv_lstm{number}"
        return [keras.layers.ConvLSTM2D(name=name, dtype=dtype, **options), pool]

    return _Parts(
        each_frame=functools.partial(keras.layers.TimeDistributed, dtype=dtype),
        convolved_and_pooled=convolved_and_pooled,
        conv_lstm_and_pooled=conv_lstm_and_pooled,
        lstm=functools.partial(keras.layers.LSTM, dtype=dtype),
    )


def _fast_parts(dtype: keras.DTypePolicy, use_xla: UseXla) -> _Parts:
    common = {"dtype": dtype, "use_xla": use_xla}

    def convolved_and_pooled(number: int, **options: Any) -> list[keras.Layer]:
        return [fast.Conv2D(name=f"conv{number}", pool_size=2, **options, **common)]

    def conv_lstm_and_pooled(number: int, **options: Any) -> list[keras.Layer]:
        name = f"conv_lstm{number}"
        return [fast.ConvLSTM2D(name=name, pool_size=2, **options, **common)]

    return _Parts(
        each_frame=functools.partial(fast.EachFrame, dtype=dtype),
        convolved_and_pooled=convolved_and_pooled,
        conv_lstm_and_pooled=conv_lstm_and_pooled,
        lstm=functools.partial(fast.LSTM, **common),
    )


def _cnn_lstm(
    clips: Any,
    nesting: str,
    initializers: _Initializers,
    parts: _Parts,
    lstm_activation: str,
) -> Any:
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
        activation=lstm_activation,
        kernel_initializer=initializers.kernel(),
        recurrent_initializer=initializers.recurrent(),
        name="lstm",
    )(features)


def _conv_lstm(
    clips: Any, initializers: _Initializers, parts: _Parts, recurrent_max_norm: float
) -> Any:
    limit = None
    if recurrent_max_norm:
        limit = keras.constraints.MaxNorm(recurrent_max_norm, axis=[0, 1, 2])
    features = clips
    for number, size in enumerate(KERNEL_SIZES, start=1):
        for layer in parts.conv_lstm_and_pooled(
            number,
            filters=FILTERS,
            kernel_size=size,
            padding="same",
            activation="relu",
            return_sequences=number < len(KERNEL_SIZES),
            kernel_initializer=initializers.kernel(),
            recurrent_initializer=initializers.recurrent(),
            recurrent_constraint=limit,
        ):
            features = layer(features)
    return keras.layers.Flatten(name="flatten")(features)
