"""Where the kernels are faster than what TensorFlow has, by measurement.

Kernels keep their registers full with few channels; TensorFlow's convolutions need 16 or
more for that, and are better from there on. Measured forward, and forward and backward, on
two cores with AVX-512, for 1 to 128 channels and kernels of 3 to 8 pixels.
"""

from __future__ import annotations

# Above, TensorFlow was up to twice as fast; up to it, it took 1.1 to 3.1 times as long for
# a convolution with pooling.
_MOST_CHANNELS = 16
# Without pooling there is less to save: with 3 x 3 pixels TensorFlow took 0.6 to 1.4 times
# as long, with 5 x 5 and up to 8 filters 1.1 to 1.4 times, with 8 x 8 1.3 to 2.4 times.
_LEAST_PIXELS = 25
_MOST_FILTERS_OF_FEW_PIXELS = 8
_MANY_PIXELS = 64

# The gradient of a ConvLSTM's weights is summed up in each lane of frames: in 4 MiB with
# AVX-512. As long as that stays in the cache, TensorFlow took 1.4 to 3.4 times as long as
# the kernel; at six times that, half as long.
_MOST_SUMS = 65_536
# In inference it took 1.1 to 4 times as long up to here.
_MOST_CONV_LSTM_FILTERS = 64


def conv_pool(size: tuple[int, int], channels: int, filters: int, *, pools: bool) -> bool:
    """Whether the kernel is faster for a convolution.

    Args:
      size: rows and columns of the convolution's kernel.
      channels: of the frames.
      filters: of the convolution.
      pools: whether max-pooling follows.
    """
    if max(channels, filters) > _MOST_CHANNELS:
        return False
    pixels = size[0] * size[1]
    few = pixels >= _LEAST_PIXELS and filters <= _MOST_FILTERS_OF_FEW_PIXELS
    return pools or pixels >= _MANY_PIXELS or few


def conv_lstm(
    size: tuple[int, int], channels: int, filters: int, *, training: bool
) -> bool:
    """Whether the kernel is faster for a ConvLSTM; arguments as of `conv_pool`."""
    if not training:
        return filters <= _MOST_CONV_LSTM_FILTERS
    # Seven for each four columns, see `source/tiles.h`.
    window = size[0] * 7 * -(-size[1] // 4)
    return window * (channels + filters) * 4 * filters <= _MOST_SUMS
