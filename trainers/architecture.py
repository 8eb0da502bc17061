"""The sizes of the two architectures, for whoever builds or counts them."""

FILTERS = 5
KERNEL_SIZES = (4, 8, 8)
LSTM_UNITS = 5
