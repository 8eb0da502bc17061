"""Layers with the weights and results of Keras's own, and less work."""

from trainers.layers.conv_lstm import ConvLSTM2D
from trainers.layers.each_frame import EachFrame
from trainers.layers.lstm import LSTM

__all__ = ["LSTM", "ConvLSTM2D", "EachFrame"]
