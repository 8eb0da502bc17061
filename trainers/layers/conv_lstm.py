"""A ConvLSTM with the weights and results of Keras's, and fewer, larger convolutions."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from trainers import processor
from trainers.kernels import usable, worth
from trainers.kernels.conv_lstm import ACTIVATIONS, conv_lstm
from trainers.layers import gates
from trainers.layers.convolution import Convolution
from trainers.layers.each_frame import EachFrame
from trainers.layers.pooling import MaxPooling2D, Size
from trainers.layers.recurrence import UnrolledLayer

_KERNEL_ACTIVATIONS = tuple(keras.activations.get(name) for name in ACTIVATIONS)


@keras.saving.register_keras_serializable("dotmotion")
class ConvLSTM2D(UnrolledLayer, keras.layers.ConvLSTM2D):
    """2D convolutional LSTM, optionally with max-pooling of its output.

    Takes the arguments, weights and inputs of `keras.layers.ConvLSTM2D` and gives its
    outputs to float rounding; with `pool_size`, which it takes too, those of a
    `keras.layers.MaxPooling2D(pool_size)` for each frame after it.

    What Keras computes step by step in eight small convolutions is done as one for all
    gates, of the frame and the hidden state side by side: on a CPU by a kernel for all
    steps (see `trainers.kernels`), which takes float32, padding 'same', sigmoid gates, the
    activations 'tanh', 'relu' and 'linear', and as few channels as `worth` says; otherwise
    in an unrolled loop. There the
    input's part is done beforehand, for all frames at once, where it can't be joined (with
    strides, dilation or padding 'valid') and on a GPU.

    Keras's own computation is used where this does not apply: with a mask, `stateful`,
    dropout, `data_format='channels_first'`, frames of unknown size, and, without the
    kernel, a number of frames that is unknown, 1 or above 64.

    Input: `[b, frames, height, width, channels]`. Output: `[b, frames, height, width,
    filters]` with `return_sequences`, otherwise `[b, height, width, filters]`, height and
    width divided by those of `pool_size`; with `return_state`, followed by the last hidden
    state and carry, which are not pooled.

    Source of the recurrence: Shi et al., "Convolutional LSTM network: a machine learning
    approach for precipitation nowcasting", NeurIPS 2015, without peepholes.
    """

    def __init__(
        self, *args: Any, pool_size: int | Size | None = None, **kwargs: Any
    ) -> None:
        """Creates the layer.

        Args:
          *args: arguments of `keras.layers.ConvLSTM2D`.
          pool_size: height and width of the windows in pixels, or both; None for no
            pooling.
          **kwargs: further arguments of `keras.layers.ConvLSTM2D`, and `use_xla`, as of
            `Conv2D`.

        Raises:
          ValueError: if an argument is not usable.
        """
        super().__init__(*args, **kwargs)
        # On a CPU, `fit` would have XLA compile the whole model, into slower convolutions.
        self.supports_jit = processor.has_gpu()
        self.pool_size: Size | None = None
        self._pool: Any = None
        if pool_size is not None:
            pool = MaxPooling2D(
                pool_size,
                data_format=self.data_format,
                dtype=self.dtype_policy,
                use_xla=self._use_xla,
            )
            self.pool_size = tuple(pool.pool_size)
            self._pool = pool
            if self.return_sequences:
                self._pool = EachFrame(pool, dtype=self.dtype_policy)

    def call(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> Any:
        """Runs the layer; see the class."""
        found = super().call(sequences, initial_state, mask, training)
        outputs, *states = found if self.return_state else [found]
        if self.pool_size is not None and not self._pools_in_kernel(
            sequences.shape, mask, training
        ):
            outputs = self._pool(outputs)
        return (outputs, *states) if self.return_state else outputs

    def compute_output_shape(
        self, sequences_shape: Any, initial_state_shape: Any = None
    ) -> Any:
        """Shape of the output, or of the output and the states, for one of the input."""
        found = super().compute_output_shape(sequences_shape, initial_state_shape)
        outputs, *states = found if self.return_state else [found]
        if self.pool_size is not None:
            outputs = self._pool.compute_output_shape(outputs)
        return (outputs, *states) if self.return_state else outputs

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; those of Keras's layer if there is no pooling."""
        config = super().get_config()
        return config if self.pool_size is None else {**config, "pool_size": self.pool_size}

    def _is_fast(self, shape: Any, training: bool) -> bool:
        return (
            None not in shape[2:]
            and self.data_format == "channels_last"
            and (
                super()._is_fast(shape, training)
                or (self._is_plain() and self._suits_kernel(shape, training))
            )
        )

    def _run(self, sequences: Any, states: Any, training: bool) -> tuple[Any, Any, Any]:
        if not self._suits_kernel(sequences.shape, training):
            return super()._run(sequences, states, training)
        cell, bias = self.cell, self.cell.bias
        pools = self._pools_in_kernel(sequences.shape, None, training)
        outputs, carry = conv_lstm(
            sequences,
            tf.convert_to_tensor(cell.kernel),
            tf.convert_to_tensor(cell.recurrent_kernel),
            tf.zeros(gates.COUNT * self.filters) if bias is None else bias.value,
            states,
            activation=keras.activations.serialize(cell.activation),
            all_steps=self.return_sequences,
            pool=(self.pool_size if pools else None) or (1, 1),
            keep=bool(training),
        )
        return outputs, outputs[:, -1] if self.return_sequences else outputs, carry

    def _pools_in_kernel(self, shape: Any, mask: Any, training: bool) -> bool:
        """Whether what `super().call` gives is pooled already."""
        return (
            self.pool_size is not None
            and mask is None
            # The last state is wanted as it is.
            and not self.return_state
            and self._is_fast(shape, training)
            and self._suits_kernel(shape, training)
            and shape[2] >= self.pool_size[0]
            and shape[3] >= self.pool_size[1]
        )

    def _suits_kernel(self, shape: Any, training: bool) -> bool:
        cell = self.cell
        return (
            self.strides == (1, 1)
            and self.dilation_rate == (1, 1)
            and self.padding == "same"
            and cell.activation in _KERNEL_ACTIVATIONS
            and cell.recurrent_activation is keras.activations.sigmoid
            and self.compute_dtype == "float32"
            and usable.is_usable()
            and worth.conv_lstm(
                self.kernel_size, shape[-1], self.filters, training=bool(training)
            )
        )

    def _unroll(self, sequences: Any, states: Any) -> tuple[list[Any], Any]:
        cell, dtype = self.cell, sequences.dtype
        hidden, carry = (None, None) if states is None else states
        kernel = tf.cast(cell.kernel, dtype)
        recurrent = tf.cast(cell.recurrent_kernel, dtype)
        bias = tf.zeros(gates.COUNT * self.filters, dtype)
        if cell.bias is not None:
            bias = tf.cast(cell.bias, dtype)
        step_sums = self._joined if self._joins() else self._beforehand
        step_sums = step_sums(sequences, kernel, recurrent)
        outputs = []
        for step in range(sequences.shape[1]):
            sums = step_sums(step, hidden)
            if carry is None:
                carry = tf.zeros_like(sums[..., : self.filters])
            hidden, carry = self._advance(sums, bias, carry)
            outputs.append(hidden)
        return outputs, carry

    def _joins(self) -> bool:
        return (
            self.strides == (1, 1)
            and self.dilation_rate == (1, 1)
            and self.padding == "same"
            and not processor.has_gpu()
        )

    def _joined(self, sequences: Any, kernel: Any, recurrent: Any) -> Any:
        """Sums of the gates from frame and hidden state in one convolution."""
        width = sequences.shape[3]
        frames = tf.unstack(sequences, axis=1)
        first = Convolution(kernel, width)
        later = Convolution(tf.concat([kernel, recurrent], axis=2), width)

        def step_sums(step: int, hidden: Any) -> Any:
            if hidden is None:
                return first(frames[step])
            return later(tf.concat([frames[step], hidden], axis=-1))

        return step_sums

    def _beforehand(self, sequences: Any, kernel: Any, recurrent: Any) -> Any:
        """Sums of the gates from the input's part, convolved here, and the hidden state."""
        parts = keras.ops.conv(
            tf.reshape(sequences, (-1, *sequences.shape[2:])),
            kernel,
            strides=self.strides,
            padding=self.padding,
            dilation_rate=self.dilation_rate,
        )
        by_step = tf.reshape(parts, (-1, sequences.shape[1], *parts.shape[1:]))
        steps = tf.unstack(by_step, axis=1)
        convolve = Convolution(recurrent, parts.shape[2])

        def step_sums(step: int, hidden: Any) -> Any:
            return steps[step] if hidden is None else steps[step] + convolve(hidden)

        return step_sums
