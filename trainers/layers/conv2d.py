"""A convolution of frames, with max-pooling if wanted."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from trainers import processor
from trainers.kernels import usable, worth
from trainers.kernels.conv_pool import conv_pool
from trainers.layers import activations
from trainers.layers.convolution import Convolution
from trainers.layers.pooling import Size, max_pool
from trainers.processor import UseXla


@keras.saving.register_keras_serializable("dotmotion")
class Conv2D(keras.layers.Conv2D):
    """2D convolution, optionally with max-pooling of its output.

    Takes the arguments, weights and inputs of `keras.layers.Conv2D`, and `pool_size`: with
    it the outputs are those of a `keras.layers.MaxPooling2D(pool_size)` after it. On a CPU
    and in float32 a kernel does all of it where that is faster (see `trainers.kernels`).
    Without the kernels, a convolution of few channels is done between cells of pixels (see
    `blocks`), and bias and activation come after the pooling where the activation never
    falls, which gives the same values for a quarter of the work.

    Keras's own convolution is used with many channels, strides, dilation, groups, padding
    'valid', `data_format='channels_first'` and frames of unknown size.

    Input: `[b, height, width, channels]`. Output: `[b, height, width, filters]`, or
    `[b, height // pool_size[0], width // pool_size[1], filters]`.
    """

    is_row_by_row = True

    def __init__(
        self,
        filters: int,
        kernel_size: int | Size,
        *args: Any,
        pool_size: int | Size | None = None,
        use_xla: UseXla = "auto",
        **kwargs: Any,
    ) -> None:
        """Creates the layer.

        Args:
          filters: channels of the output.
          kernel_size: height and width of the kernel in pixels, or both.
          *args: further arguments of `keras.layers.Conv2D`.
          pool_size: height and width of the windows in pixels, or both; None for no
            pooling.
          use_xla: whether XLA compiles what is done element by element; 'auto' for where
            that was measured to be faster, on a CPU. Not part of the configuration.
          **kwargs: further arguments of `keras.layers.Conv2D`.

        Raises:
          ValueError: if an argument is not usable.
        """
        super().__init__(filters, kernel_size, *args, **kwargs)
        # On a CPU, `fit` would have XLA compile the whole model, into slower convolutions.
        self.supports_jit = processor.has_gpu()
        self._use_xla = processor.require_use_xla(use_xla)
        self.pool_size: Size | None = None
        self._pool = None
        if pool_size is not None:
            self._pool = keras.layers.MaxPooling2D(
                pool_size, data_format=self.data_format, dtype=self.dtype_policy
            )
            self.pool_size = tuple(self._pool.pool_size)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Runs the layer; see the class."""
        if not self._is_fast(inputs):
            outputs = super().call(inputs)
            return outputs if self._pool is None else self._pool(outputs)
        if usable.is_usable(inputs):
            return self._by_kernel(inputs, bool(training))
        width = inputs.shape[2]
        convolve = Convolution(tf.cast(self.kernel, inputs.dtype), width)
        missing = -width % convolve.row_multiple
        if missing:
            inputs = tf.pad(inputs, [(0, 0), (0, 0), (0, missing), (0, 0)])
        sums = convolve(inputs)
        if self.pool_size is None:
            return self._activate(sums[:, :, :width] if missing else sums)
        if activations.is_monotone(self.activation):
            return self._activate(max_pool(sums, self.pool_size, width, self._use_xla))
        return max_pool(self._activate(sums), self.pool_size, width, self._use_xla)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape of the output for one of the input."""
        shape = super().compute_output_shape(input_shape)
        return shape if self._pool is None else self._pool.compute_output_shape(shape)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; those of Keras's layer if there is no pooling."""
        config = super().get_config()
        return config if self.pool_size is None else {**config, "pool_size": self.pool_size}

    def _is_fast(self, inputs: Any) -> bool:
        return (
            self.strides == (1, 1)
            and self.dilation_rate == (1, 1)
            and self.groups == 1
            and self.padding == "same"
            and self.data_format == "channels_last"
            and len(inputs.shape) == 4
            and None not in inputs.shape[1:]
            # Keras says what is wrong with windows that are larger than the frame.
            and self._pools_something(inputs.shape)
            and not processor.has_gpu()
            and worth.conv_pool(
                self.kernel_size,
                inputs.shape[3],
                self.filters,
                pools=self.pool_size is not None,
            )
        )

    def _pools_something(self, shape: Any) -> bool:
        rows, columns = self.pool_size or (1, 1)
        return shape[1] >= rows and shape[2] >= columns

    def _by_kernel(self, inputs: Any, training: bool) -> Any:
        window = self.pool_size or (1, 1)
        pools_first = activations.is_monotone(self.activation)
        relu = self.activation is keras.activations.relu
        outputs = conv_pool(
            inputs,
            tf.cast(self.kernel, inputs.dtype),
            tf.cast(self.bias, inputs.dtype) if self.use_bias else tf.zeros(self.filters),
            pool=window if pools_first else (1, 1),
            relu=relu,
            keep=training,
        )
        outputs = outputs if relu else self.activation(outputs)
        if pools_first or self.pool_size is None:
            return outputs
        return max_pool(outputs, window, use_xla=self._use_xla)

    def _activate(self, sums: Any) -> Any:
        if not self.use_bias:
            return self.activation(sums)
        bias = tf.cast(self.bias, sums.dtype)
        return activations.with_bias(sums, bias, self.activation, self._use_xla)
