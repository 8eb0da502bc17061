"""The TFDS dataset folder of `moving_dot`."""
