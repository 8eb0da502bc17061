"""Trains a video classifier on moving-dot clips.

Examples:
  python -m trainers.main --strategy=mirrored
      the CNN-LSTM on fresh clips, on all GPUs or else on the CPU
  python -m trainers.main --model=conv_lstm --steps=60 --workdir=/tmp/conv
      the ConvLSTM; run again, it continues where it was stopped
  python -m trainers.main --strategy=mirrored --virtual_devices=2
      two replicas on one CPU, to try a strategy anywhere
  python -m trainers.main --preset=notebook --model=conv_lstm
      the notebook's own recipe: its 80 clips, 80 epochs
  python -m trainers.main --data=tfds --data_dir=/data
      the dataset that `tfds build` wrote, built first if it is missing
  python -m trainers.main --config='{"frames": 10, "height": 32, "width": 64}'
      clips of another geometry

Exit status: 0 done, 1 failed, 2 wrong usage, 130 and 143 stopped by SIGINT and SIGTERM
with the state saved.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

from dotmotion_tfds import SpecError, quiet_start
from dotmotion_tfds.command_line import USAGE_ERROR, Flags, UsageError, fail
from dotmotion_tfds.configs import CONFIG_HELP
from trainers import options as train_options
from trainers import recipes, tensor_memory


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    of = " or ".join
    flags.string("model", "cnn_lstm", of(recipes.MODELS))
    flags.string("strategy", "mirrored", of(train_options.STRATEGIES))
    flags.string(
        "preset",
        "standard",
        "where options that are not given come from: a recipe for fresh clips of config "
        "standard, or the notebook's",
    )
    flags.string("config", None, CONFIG_HELP)
    flags.string("data", None, of(train_options.DATA))
    flags.string("data_dir", None, "root of the built datasets, with --data=tfds")
    flags.integer("steps", None, "optimizer steps in all")
    flags.integer("batch_size", None, "clips in a global batch, over all replicas")
    flags.number("learning_rate", None, "of Adam")
    flags.number("clip_norm", None, "largest global norm of a gradient; 0 for no limit")
    flags.number(
        "recurrent_max_norm",
        None,
        "largest norm of the recurrent weights of each gate of each filter of the "
        "ConvLSTM; 0 for no limit",
    )
    flags.integer("seed", 0, "of the initial weights, of the clips and of their order")
    flags.string(
        "initial_weights",
        None,
        "file of Keras with weights to begin with, .weights.h5, .h5 or .keras; only "
        "arrays are read from it. Random ones by default",
    )
    flags.string("layers", "fast", "whose layers: " + of(train_options.LAYERS))
    flags.string(
        "nesting",
        "flat",
        "how the CNN-LSTM is written, one TimeDistributed a layer or one around all: "
        + of(train_options.NESTINGS),
    )
    flags.string(
        "lstm_activation",
        "relu",
        "of the CNN-LSTM's LSTM: " + of(train_options.LSTM_ACTIVATIONS),
    )
    flags.string(
        "precision",
        "float32",
        "what is computed in; weights stay float32: " + of(train_options.PRECISIONS),
    )
    flags.string(
        "xla",
        "auto",
        "what XLA compiles: small parts on a CPU, the whole step or nothing: "
        + of(train_options.XLA),
    )
    flags.integer("virtual_devices", 0, "split the CPU into this many devices")
    flags.integer("checkpoint_every", 50, "steps between checkpoints")
    flags.integer("eval_clips", None, "test clips to evaluate on, 1000 by default")
    flags.string("workdir", None, "directory of the run, runs/<model>-<preset> by default")
    flags.boolean("deterministic", "make TensorFlow's operations run in a fixed order")
    return flags


def parse(argv: Sequence[str]) -> train_options.TrainOptions | None:
    """Options from the command line, or None if help was asked for.

    Args:
      argv: the process's arguments, the program first.

    Raises:
      UsageError: if a flag is unknown or its value is unusable.
      OptionsError: if an option is out of range.
    """
    given = define_flags().parse(argv)
    return None if given is None else train_options.resolve_options(**given)


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    try:
        return _main(argv)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _main(argv: Sequence[str]) -> int:
    try:
        options = parse(argv)
    except (UsageError, train_options.OptionsError) as error:
        return fail(error, USAGE_ERROR)
    if options is None:
        print(define_flags().help(str(__doc__)))
        return 0
    return _run(options)


def _run(options: train_options.TrainOptions) -> int:
    from rich.console import Console

    console = Console()
    tensor_memory.use_pool()
    with console.status("starting TensorFlow"):
        quiet_start.import_tensorflow()
        import tensorflow as tf

        from trainers import loop, progress
    try:
        result = loop.run(options, console)
    except (train_options.OptionsError, SpecError) as error:
        return fail(error, USAGE_ERROR)
    except loop.TrainingError as error:
        return fail(error, 1)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        return fail(OSError(f"{error.strerror or error}{where}"), 1)
    except loop.RunInterruptedError as stop:
        console.print(
            f"stopped at step {stop.step} of {options.steps}; run the same command "
            "again to continue"
        )
        return 128 + stop.signal_number
    except tf.errors.ResourceExhaustedError:
        memory = f"batches of {options.batch_size} clips do not fit the memory"
        return fail(MemoryError(f"{memory}: try a smaller --batch_size"), 1)
    progress.print_closing_table(console, result)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
