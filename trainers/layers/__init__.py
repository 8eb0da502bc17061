"""Layers with the weights and results of Keras's own, and less work."""

from trainers.layers.conv2d import Conv2D
from trainers.layers.conv_lstm import ConvLSTM2D
from trainers.layers.each_frame import EachFrame
from trainers.layers.lstm import LSTM
from trainers.layers.pooling import MaxPooling2D

__all__ = ["LSTM", "Conv2D", "ConvLSTM2D", "EachFrame", "MaxPooling2D"]
