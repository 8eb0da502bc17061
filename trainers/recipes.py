"""The settings that a preset gives to a model where the user names none."""

from __future__ import annotations

import dataclasses

MODELS = ("cnn_lstm", "conv_lstm")
PRESETS = ("standard", "notebook")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How one model is trained.

    Attributes:
      config: configuration of the clips.
      data: where the clips come from, 'stream', 'cache' or 'tfds'.
      steps: optimizer steps.
      batch_size: clips in a global batch.
      learning_rate: of Adam.
      clip_norm: largest global norm of a gradient, or 0 for no limit.
      recurrent_max_norm: largest norm of the recurrent weights of each gate of each filter
        of a ConvLSTM, or 0 for no limit.
    """

    config: str
    data: str
    steps: int
    batch_size: int = 32
    learning_rate: float = 1e-3
    clip_norm: float = 0.0
    recurrent_max_norm: float = 0.0


def recipe(preset: str, model: str) -> Recipe:
    """The recipe of a preset for a model; both are known names."""
    return _RECIPES[preset, model]


_RECIPES = {
    ("standard", "cnn_lstm"): Recipe("standard", "stream", steps=160, clip_norm=1.0),
    # Fresh from its initial weights the ConvLSTM feeds its state back with a gain of about
    # 1, and Adam moves all 320 weights of a gate together: without a limit the state grows
    # over 20 frames: the loss jumped to 9e3 in the one seed tried without, at 1e-3.
    ("standard", "conv_lstm"): Recipe(
        "standard",
        "stream",
        steps=120,
        learning_rate=5e-4,
        clip_norm=0.1,
        recurrent_max_norm=0.05,
    ),
    # 80 clips in batches of 32 are 3 steps an epoch; the notebook has 40 epochs of them
    # for the CNN-LSTM and 80 for the ConvLSTM.
    ("notebook", "cnn_lstm"): Recipe(config="notebook", data="cache", steps=40 * 3),
    ("notebook", "conv_lstm"): Recipe(config="notebook", data="cache", steps=80 * 3),
}
