"""Both architectures as a PyTorch user would write them, for comparison.

Needs the extra `peers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from trainers.architecture import FILTERS, KERNEL_SIZES, LSTM_UNITS

_GATES = 4


class CnnLstm(nn.Module):
    """Convolutions of all frames as one batch, and a relu LSTM over their features.

    `nn.LSTM` has no relu, so its loop is written out, the input's product before it.
    """

    def __init__(self, features: int, num_classes: int) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        channels = 1
        for size in KERNEL_SIZES:
            parts += [nn.Conv2d(channels, FILTERS, size, padding="same"), nn.ReLU()]
            parts.append(nn.MaxPool2d(2))
            channels = FILTERS
        self.encoder = nn.Sequential(*parts, nn.Flatten())
        self.from_features = nn.Linear(features, _GATES * LSTM_UNITS)
        self.from_hidden = nn.Linear(LSTM_UNITS, _GATES * LSTM_UNITS, bias=False)
        self.classifier = nn.Linear(LSTM_UNITS, num_classes)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Logits `[b, classes]` of float32 clips `[b, frames, 1, height, width]`."""
        batch, frames = clips.shape[:2]
        folded = clips.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        steps = self.from_features(self.encoder(folded)).unflatten(0, (batch, frames))
        hidden = carry = clips.new_zeros(batch, LSTM_UNITS)
        for step in range(frames):
            sums = steps[:, step] + self.from_hidden(hidden)
            hidden, carry = _advance(sums, carry)
        return self.classifier(hidden)


class ConvLstmCell(nn.Module):
    """One ConvLSTM layer: frame and state side by side, one convolution a step."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.gates = nn.Conv2d(channels + FILTERS, _GATES * FILTERS, size, padding="same")

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Hidden states of all steps, `[b, frames, filters, height, width]`."""
        batch, frames, _, height, width = clips.shape
        hidden = carry = clips.new_zeros(batch, FILTERS, height, width)
        outputs = []
        for step in range(frames):
            sums = self.gates(torch.cat([clips[:, step], hidden], 1))
            hidden, carry = _advance(sums, carry)
            outputs.append(hidden)
        return torch.stack(outputs, 1)


class ConvLstm(nn.Module):
    """Three ConvLSTM layers, of which the last keeps its last state only."""

    def __init__(self, features: int, num_classes: int) -> None:
        super().__init__()
        channels = (1, *[FILTERS] * (len(KERNEL_SIZES) - 1))
        cells = [
            ConvLstmCell(count, size)
            for count, size in zip(channels, KERNEL_SIZES, strict=True)
        ]
        self.cells = nn.ModuleList(cells)
        self.pool = nn.MaxPool2d(2)
        self.classifier = nn.Linear(features, num_classes)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Logits `[b, classes]` of float32 clips `[b, frames, 1, height, width]`."""
        states = clips
        for cell in self.cells[:-1]:
            states = cell(states)
            pooled = self.pool(states.flatten(0, 1))
            states = pooled.unflatten(0, states.shape[:2])
        last = self.cells[-1](states)[:, -1]
        return self.classifier(self.pool(last).flatten(1))


def build(name: str, weights: Sequence[np.ndarray], height: int, width: int) -> nn.Module:
    """A model with the weights of one of `trainers.models`.

    Args:
      name: 'cnn_lstm' or 'conv_lstm'.
      weights: as `keras.Model.get_weights` gives them.
      height: of the frames in pixels.
      width: likewise.
    """
    pooled = 2 ** len(KERNEL_SIZES)
    shape = (height // pooled, width // pooled, FILTERS)
    features = int(np.prod(shape))
    left = [np.asarray(weight) for weight in weights]
    num_classes = left[-1].shape[0]
    if name == "cnn_lstm":
        model: nn.Module = CnnLstm(features, num_classes)
        state = _cnn_lstm_state(left, shape)
    else:
        model = ConvLstm(features, num_classes)
        state = _conv_lstm_state(left, shape)
    tensors = {
        key: torch.from_numpy(np.ascontiguousarray(value)) for key, value in state.items()
    }
    model.load_state_dict(tensors)
    return model


def _advance(sums: torch.Tensor, carry: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    enters, forgets, candidate, leaves = sums.chunk(_GATES, 1)
    update = torch.sigmoid(enters) * torch.relu(candidate)
    carry = torch.sigmoid(forgets) * carry + update
    return torch.sigmoid(leaves) * torch.relu(carry), carry


def _cnn_lstm_state(weights: list[np.ndarray], shape: tuple[int, ...]) -> dict[str, Any]:
    state = {}
    for layer in range(len(KERNEL_SIZES)):
        kernel, bias = weights[2 * layer : 2 * layer + 2]
        state[f"encoder.{3 * layer}.weight"] = kernel.transpose(3, 2, 0, 1)
        state[f"encoder.{3 * layer}.bias"] = bias
    kernel, recurrent, bias, last, last_bias = weights[2 * len(KERNEL_SIZES) :]
    return {
        **state,
        "from_features.weight": _channels_first(kernel, shape).T,
        "from_features.bias": bias,
        "from_hidden.weight": recurrent.T,
        "classifier.weight": last.T,
        "classifier.bias": last_bias,
    }


def _conv_lstm_state(weights: list[np.ndarray], shape: tuple[int, ...]) -> dict[str, Any]:
    state = {}
    for layer in range(len(KERNEL_SIZES)):
        kernel, recurrent, bias = weights[3 * layer : 3 * layer + 3]
        joined = np.concatenate([kernel, recurrent], axis=2)
        state[f"cells.{layer}.gates.weight"] = joined.transpose(3, 2, 0, 1)
        state[f"cells.{layer}.gates.bias"] = bias
    last, last_bias = weights[3 * len(KERNEL_SIZES) :]
    return {
        **state,
        "classifier.weight": _channels_first(last, shape).T,
        "classifier.bias": last_bias,
    }


def _channels_first(kernel: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Reorders rows for features that were flattened with channels first."""
    by_place = kernel.reshape(*shape, -1)
    return by_place.transpose(2, 0, 1, 3).reshape(kernel.shape)
