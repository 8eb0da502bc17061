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

import sys
from collections.abc import Sequence

from absl import flags

from dotmotion_tfds import SpecError
from trainers import options as train_options
from trainers import quiet_start, recipes

_USAGE_ERROR = 2


def define_flags() -> flags.FlagValues:
    """The flags of this program, in a set of their own."""
    values = flags.FlagValues()

    def string(name: str, default: str | None, description: str) -> None:
        flags.DEFINE_string(name, default, description, flag_values=values)

    def integer(name: str, default: int | None, description: str) -> None:
        flags.DEFINE_integer(name, default, description, flag_values=values)

    def number(name: str, default: float | None, description: str) -> None:
        flags.DEFINE_float(name, default, description, flag_values=values)

    def boolean(name: str, description: str, short: str | None = None) -> None:
        flags.DEFINE_bool(name, False, description, flag_values=values, short_name=short)

    of = " or ".join
    string("model", "cnn_lstm", of(recipes.MODELS))
    string("strategy", "mirrored", of(train_options.STRATEGIES))
    string(
        "preset",
        "standard",
        "where options that are not given come from: a recipe for fresh clips of config "
        "standard, or the notebook's",
    )
    string("config", None, "the clips: standard, notebook, or a JSON object")
    string("data", None, of(train_options.DATA))
    string("data_dir", None, "root of the built datasets, with --data=tfds")
    integer("steps", None, "optimizer steps in all")
    integer("batch_size", None, "clips in a global batch, over all replicas")
    number("learning_rate", None, "of Adam")
    number("clip_norm", None, "largest global norm of a gradient; 0 for no limit")
    integer("seed", 0, "of the initial weights, of the clips and of their order")
    string("layers", "stock", "whose layers: " + of(train_options.LAYERS))
    string(
        "nesting",
        "flat",
        "how the CNN-LSTM is written, one TimeDistributed a layer or one around all: "
        + of(train_options.NESTINGS),
    )
    integer("virtual_devices", 0, "split the CPU into this many devices")
    integer("checkpoint_every", 50, "steps between checkpoints")
    integer("eval_clips", None, "test clips to evaluate on (default 1000)")
    string("workdir", None, "directory of the run (default runs/<model>-<preset>)")
    boolean("deterministic", "make TensorFlow's operations run in a fixed order")
    boolean("help", "show this help", short="h")
    return values


def parse(argv: Sequence[str]) -> train_options.TrainOptions | None:
    """Options from the command line, or None if help was asked for.

    Args:
      argv: the process's arguments, the program first.

    Raises:
      OptionsError: if a flag is unknown or its value is unusable.
    """
    values = define_flags()
    try:
        rest = values(list(argv))[1:]
    except flags.Error as error:
        raise train_options.OptionsError(_flag_error(str(error), values)) from None
    if values.help:
        return None
    if rest:
        raise train_options.OptionsError(
            f"unexpected argument {rest[0]!r}: options look like --steps=100, see --help"
        )
    given = values.flag_values_dict()
    own = ("help", "h")
    builtin = ("flagfile", "undefok")
    return train_options.resolve_options(
        **{name: given[name] for name in given if name not in (*own, *builtin)}
    )


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    try:
        options = parse(argv)
    except (train_options.OptionsError, SpecError) as error:
        return _fail(error, _USAGE_ERROR)
    if options is None:
        print(__doc__)
        print("Options:")
        print(define_flags().main_module_help() or _flags_help())
        return 0
    return _run(options)


def _run(options: train_options.TrainOptions) -> int:
    from rich.console import Console

    console = Console()
    with console.status("starting TensorFlow"):
        quiet_start.import_tensorflow()
        from trainers import loop, progress
    try:
        result = loop.run(options, console)
    except (train_options.OptionsError, SpecError) as error:
        return _fail(error, _USAGE_ERROR)
    except loop.TrainingError as error:
        return _fail(error, 1)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        return _fail(OSError(f"{error.strerror or error}{where}"), 1)
    except loop.RunInterruptedError as stop:
        console.print(
            f"stopped at step {stop.step} of {options.steps}; run the same command "
            "again to continue"
        )
        return 128 + stop.signal_number
    except KeyboardInterrupt:
        return 130
    progress.print_closing_table(console, result)
    return 0


def _flags_help() -> str:
    values = define_flags()
    return "\n".join(
        f"  --{name}: {values[name].help}"
        + (
            ""
            if values[name].default in (None, False)
            else f" (default {values[name].default})"
        )
        for name in values
        if name == values[name].name and name not in ("flagfile", "undefok")
    )


def _flag_error(message: str, values: flags.FlagValues) -> str:
    first_line = message.splitlines()[0]
    for name in values:
        prefix = f"flag --{name}="
        if first_line.startswith(prefix):
            kind = {"int": "an integer", "float": "a number", "bool": "true or false"}
            value = first_line[len(prefix) :].rsplit(": ", 1)[0].split(": ")[0]
            expected = kind.get(values[name].flag_type(), "another value")
            return f"--{name}={value!r} is not usable: expected {expected}, see --help"
    return f"{first_line.rstrip('.')}; see --help"


def _fail(error: Exception, status: int) -> int:
    print(f"error: {error}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv))
