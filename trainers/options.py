"""What a training run is: options that check themselves once, without TensorFlow."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import pathlib
from typing import Any

from dotmotion_tfds import NamedConfig, resolve_config
from dotmotion_tfds.spec import (
    MAX_BATCH_SIZE,
    SpecError,
    require_integer,
    require_seed,
)
from trainers.recipes import MODELS, PRESETS, recipe

STRATEGIES = ("mirrored", "multi_worker_mirrored", "one_device")
DATA = ("stream", "cache", "tfds")
LAYERS = ("fast", "stock")
NESTINGS = ("flat", "nested")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
XLA = ("auto", "on", "off")
LSTM_ACTIVATIONS = ("relu", "tanh")

# Three 2x2 poolings leave nothing of a smaller frame.
_MIN_SIDE = 8


class OptionsError(ValueError):
    """A run was described wrongly; the message is one line."""


@dataclasses.dataclass(frozen=True)
class TrainOptions:
    """Options of one training run.

    Attributes:
      model: 'cnn_lstm' or 'conv_lstm'.
      layers: whose layers the model is built from, 'fast' for those of
        `trainers.layers`, 'stock' for Keras's own.
      nesting: how the CNN-LSTM is written: 'flat', one `TimeDistributed` a layer, or
        'nested', one around a `Sequential`. Weights and results are the same.
      lstm_activation: of the CNN-LSTM's LSTM, 'relu' as in the notebook or 'tanh', which
        cuDNN serves on a GPU.
      precision: Keras's dtype policy: 'float32', or 'mixed_bfloat16' or 'mixed_float16',
        which compute in 16 bits and keep float32 weights. The classifier computes in
        float32 always.
      xla: 'auto' for small parts of the fast layers on a CPU, where it is faster, 'on' for
        the whole forward and backward pass of a replica, 'off' for nothing.
      strategy: 'mirrored', 'multi_worker_mirrored' or 'one_device'.
      virtual_devices: logical devices to split the CPU into, each a replica; 0 uses the
        GPUs there are, or the whole CPU.
      data: 'stream' for endless fresh clips, 'cache' for passes over the split made once
        and kept in memory, 'tfds' for passes over the built dataset.
      config: the clips' configuration.
      data_dir: root of the built datasets, for `data='tfds'`; None for TFDS's default.
      steps: optimizer steps in all, those of a resumed run included.
      batch_size: clips in a global batch, over all replicas.
      learning_rate: of Adam.
      clip_norm: largest global norm of a gradient; 0 for no limit.
      recurrent_max_norm: largest norm of the recurrent weights of each gate of each filter
        of the ConvLSTM; 0 for no limit.
      seed: of the initial weights, of the clips and of their order.
      initial_weights: file of Keras to take the weights to begin with from; None for
        random ones.
      deterministic: whether to make TensorFlow's operations run in a fixed order.
      checkpoint_every: steps between checkpoints; the last step always has one.
      eval_clips: clips of the test split to evaluate on.
      workdir: directory of the run.

    Raises:
      OptionsError: on construction, when a value is out of range or values contradict
        each other.
    """

    model: str
    config: NamedConfig
    data: str
    steps: int
    batch_size: int
    learning_rate: float
    clip_norm: float
    workdir: pathlib.Path
    layers: str = "fast"
    nesting: str = "flat"
    lstm_activation: str = "relu"
    precision: str = "float32"
    xla: str = "auto"
    recurrent_max_norm: float = 0.0
    strategy: str = "mirrored"
    virtual_devices: int = 0
    data_dir: pathlib.Path | None = None
    seed: int = 0
    initial_weights: pathlib.Path | None = None
    deterministic: bool = False
    checkpoint_every: int = 50
    eval_clips: int = 1000

    def __post_init__(self) -> None:
        require_choice("model", self.model, MODELS)
        require_choice("layers", self.layers, LAYERS)
        require_choice("nesting", self.nesting, NESTINGS)
        require_choice("lstm_activation", self.lstm_activation, LSTM_ACTIVATIONS)
        require_choice("precision", self.precision, PRECISIONS)
        require_choice("xla", self.xla, XLA)
        require_choice("strategy", self.strategy, STRATEGIES)
        require_choice("data", self.data, DATA)
        self._check_counts()
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise OptionsError(
                f"learning_rate={self.learning_rate:g} is out of range: expected a "
                "positive number, such as 1e-3"
            )
        for name in ("clip_norm", "recurrent_max_norm"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise OptionsError(
                    f"{name}={value:g} is out of range: expected a positive number, or 0 "
                    "for no limit"
                )
        self._check_computation()
        self._check_devices()
        self._check_data()

    def _check_counts(self) -> None:
        most = 1_000_000_000
        try:
            require_seed(self.seed)
            require_integer("batch_size", self.batch_size, 1, MAX_BATCH_SIZE)
            require_integer("steps", self.steps, 1, most)
            require_integer("checkpoint_every", self.checkpoint_every, 1, most)
            require_integer("eval_clips", self.eval_clips, 1, most)
        except SpecError as error:
            raise OptionsError(str(error)) from None

    def _check_computation(self) -> None:
        if self.model != "cnn_lstm" and self.lstm_activation != "relu":
            raise OptionsError(
                f"lstm_activation={self.lstm_activation!r} with model={self.model!r}, "
                "which has no LSTM after convolutions: leave --lstm_activation out"
            )
        if self.model != "conv_lstm" and self.recurrent_max_norm:
            raise OptionsError(
                f"recurrent_max_norm={self.recurrent_max_norm:g} with "
                f"model={self.model!r}, which has no ConvLSTM: leave "
                "--recurrent_max_norm out"
            )
        if self.deterministic and self.xla == "on":
            raise OptionsError(
                "xla='on' with deterministic=True: TensorFlow promises no fixed order of "
                "what XLA compiles; leave one of them out"
            )

    def _check_devices(self) -> None:
        cores = os.cpu_count() or 1
        most = max(8, cores)
        if not 0 <= self.virtual_devices <= most:
            raise OptionsError(
                f"virtual_devices={self.virtual_devices} makes no sense on {cores} "
                f"cores: expected 1 to {most}, or 0 to use the devices there are"
            )
        if self.strategy == "one_device" and self.virtual_devices > 1:
            raise OptionsError(
                f"virtual_devices={self.virtual_devices} with strategy='one_device', "
                "which has one replica: use strategy='mirrored'"
            )
        if self.strategy == "multi_worker_mirrored" and self.virtual_devices:
            raise OptionsError(
                f"virtual_devices={self.virtual_devices} with "
                "strategy='multi_worker_mirrored': each worker has the devices of its "
                "machine; leave --virtual_devices out"
            )
        if self.virtual_devices:
            require_divisible(self.batch_size, self.virtual_devices)

    def _check_data(self) -> None:
        spec = self.config.spec
        if min(spec.height, spec.width) < _MIN_SIDE:
            raise OptionsError(
                f"frames of {spec.height} x {spec.width} pixels are too small for three "
                f"2x2 poolings: expected a height and width of at least {_MIN_SIDE}"
            )
        if self.data_dir is not None and self.data != "tfds":
            raise OptionsError(
                f"data_dir={str(self.data_dir)!r} with data={self.data!r}, which reads "
                "no files: add --data=tfds or leave --data_dir out"
            )
        stored_clips = self.config.split_size("test")
        if self.data == "tfds" and self.eval_clips > stored_clips:
            raise OptionsError(
                f"eval_clips={self.eval_clips} is more than the {stored_clips} stored "
                f"test clips of config {self.config.name!r}: use at most {stored_clips}"
            )

    def identity(self) -> dict[str, Any]:
        """What has to be the same for a run to be continued: it decides the weights.

        The number of steps may grow, and the devices may change.

        Raises:
          OptionsError: if the file of the initial weights can't be read.
        """
        return {
            "model": self.model,
            "nesting": self.nesting,
            "layers": self.layers,
            "lstm_activation": self.lstm_activation,
            "precision": self.precision,
            "data": self.data,
            "config": dataclasses.asdict(self.config.spec),
            "batch_size": self.batch_size,
            "learning_rate": self.learning_rate,
            "clip_norm": self.clip_norm,
            "recurrent_max_norm": self.recurrent_max_norm,
            "seed": self.seed,
            "initial_weights": _sha256(self.initial_weights),
        }


def resolve_options(
    *,
    preset: str = "standard",
    model: str = "cnn_lstm",
    config: str | None = None,
    workdir: str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    initial_weights: str | os.PathLike[str] | None = None,
    **given: Any,
) -> TrainOptions:
    """Options from what the user gave and, for the rest, from the model's recipe.

    Args:
      preset: 'standard' or 'notebook'.
      model: 'cnn_lstm' or 'conv_lstm'.
      config: a configuration's name or a JSON object of its geometry.
      workdir: the run's directory; `runs/<model>-<preset>` by default.
      data_dir: root of the built datasets.
      initial_weights: file to take the weights to begin with from.
      **given: other fields of `TrainOptions`; None stands for "not given".

    Returns:
      The options.

    Raises:
      OptionsError: if an option is unknown, out of range or contradicts another.
    """
    require_choice("preset", preset, PRESETS)
    require_choice("model", model, MODELS)
    chosen = dataclasses.asdict(recipe(preset, model))
    chosen.update({name: value for name, value in given.items() if value is not None})
    try:
        chosen["config"] = resolve_config(chosen["config"] if config is None else config)
    except SpecError as error:
        raise OptionsError(str(error)) from None
    if data_dir is not None:
        chosen["data_dir"] = _place("data_dir", data_dir)
    if initial_weights is not None:
        chosen["initial_weights"] = _place("initial_weights", initial_weights)
    if "eval_clips" not in chosen and chosen["data"] == "tfds":
        chosen["eval_clips"] = min(1000, chosen["config"].split_size("test"))
    default_workdir = pathlib.Path("runs") / f"{model}-{preset}"
    return TrainOptions(
        model=model,
        workdir=default_workdir if workdir is None else _place("workdir", workdir),
        **chosen,
    )


def _place(name: str, value: str | os.PathLike[str]) -> pathlib.Path:
    text = os.fspath(value)
    if not text or "\0" in text or "://" in text:
        raise OptionsError(
            f"{name}={text!r} is not usable: expected a path of this machine"
        )
    return pathlib.Path(text).expanduser()


def _sha256(path: pathlib.Path | None) -> str | None:
    """Of a file's content, so that another one of the same name is another run's."""
    if path is None:
        return None
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        raise OptionsError(
            f"initial_weights={str(path)!r} can't be read ({error.strerror or error}): "
            "name a file of weights, or leave --initial_weights out"
        ) from None
    return digest.hexdigest()


def require_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Checks that `value` is one of `choices`.

    Raises:
      OptionsError: otherwise.
    """
    if value not in choices:
        expected = " or ".join(repr(choice) for choice in choices)
        raise OptionsError(f"unknown {name} {value!r}: expected {expected}")


def require_divisible(batch_size: int, replicas: int) -> None:
    """Checks that a global batch splits evenly.

    Raises:
      OptionsError: otherwise.
    """
    if batch_size % replicas:
        raise OptionsError(
            f"batch_size={batch_size} is not divisible by {replicas} replicas: use a "
            f"multiple of {replicas}, such as "
            f"{replicas * max(1, round(batch_size / replicas))}"
        )
