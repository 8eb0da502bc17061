"""Turns that train or predict with the same models in PyTorch; needs the extra `peers`."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np

from benchmarks import step_turns
from benchmarks.arms import Work
from dotmotion_tfds import quiet_start


def prepare(
    kind: str, model_name: str, compiled: bool, weights: list[np.ndarray], batch_size: int
) -> Callable[[], Work]:
    """A turn of training or inference steps on a batch that stays in memory.

    Args:
      kind: 'train' or 'infer'.
      model_name: 'cnn_lstm' or 'conv_lstm'.
      compiled: whether `torch.compile` compiles the model.
      weights: of the model, as Keras gives them.
      batch_size: clips in a step.
    """
    quiet_start.import_tensorflow()
    import torch

    # As TensorFlow does. Without it, the ConvLSTM's steps became ten times as slow within
    # some tens of steps (10 s, not 1.2).
    torch.set_flush_denormal(True)
    # Said once a call; it is how PyTorch pads kernels of an even size.
    warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths")

    import dotmotion_tfds
    from benchmarks import torch_models

    clips = dotmotion_tfds.clips(range(batch_size))
    # Channels second, as PyTorch's layers want them.
    video = torch.from_numpy(np.moveaxis(clips["video"].numpy(), -1, 2).copy())
    labels = torch.from_numpy(clips["label"].numpy().astype(np.int64))
    start = time.perf_counter()
    model = torch_models.build(model_name, weights, *video.shape[-2:])
    model = torch.compile(model) if compiled else model
    optimizer = torch.optim.Adam(model.parameters(), step_turns.LEARNING_RATE, eps=1e-7)

    def train() -> float:
        optimizer.zero_grad()
        logits = model(video.float() / 255)
        loss = torch.nn.functional.cross_entropy(logits, labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), step_turns.CLIP_NORM)
        optimizer.step()
        return loss.item()

    @torch.inference_mode()
    def predict() -> float:
        return step_turns.weighed(torch.softmax(model(video.float() / 255), 1).numpy())

    return step_turns.turn_of(train if kind == "train" else predict, start, batch_size)
