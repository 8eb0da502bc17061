r"""Says what holds a tf.data pipeline back, and what would make it faster.

Examples:
  python -m benchmarks.doctor my_project.input:make_dataset
      where the time goes, stage by stage, and what to change, with the gain measured
  python -m benchmarks.doctor my_project.input:make_dataset --step_ms=25 --page=doctor.html
      whether it keeps up with a training step of 25 ms, also as a page with a picture
  python -m benchmarks.doctor --tune my_project.input:make_dataset --emit=options.json
      what can be changed without touching the code, for `benchmarks.doctor.apply`
  python -m benchmarks.doctor my_project.input:make_dataset --accelerator_step_ms=5 \
      --replicas=8
      whether it would keep up with eight accelerators, and what that takes

The function takes no arguments and returns a tf.data.Dataset. It is imported from where
the program is called, run, and its pipeline is run in parts; nothing is written except the
files that are asked for.

Exit status: 0 done, 1 the pipeline fails or gives nothing, 2 wrong usage.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console
from tqdm import tqdm

from benchmarks.doctor.request import Request
from dotmotion_tfds import json_file, quiet_start, text_file
from dotmotion_tfds.command_line import Flags, UsageError, fail, run

_ASKED = ("seconds", "step_ms", "accelerator_step_ms", "replicas")


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    flags.positional("target", "PACKAGE.MODULE:FUNCTION or FILE.py:FUNCTION", most=1)
    flags.number("seconds", 60.0, "how long to examine at most")
    flags.number("step_ms", None, "time in which the consumer deals with an element")
    flags.number("accelerator_step_ms", None, "predict for accelerators with such a step")
    flags.integer("replicas", 1, "accelerators of the prediction")
    flags.boolean("tune", "only find what can be changed without touching the code")
    flags.string("emit", None, "with --tune, file for the changes")
    flags.string("json", None, "file for the diagnosis")
    flags.string("page", None, "file for the diagnosis as an HTML page")
    return flags


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    return run(argv, flags=define_flags(), about=__doc__, check=_check, work=_work)


def _check(given: dict[str, Any]) -> dict[str, Any]:
    try:
        request = Request(**{field: given[field] for field in _ASKED})
    except ValueError as error:
        raise UsageError(f"--{error}") from None
    if given["replicas"] > 1 and given["accelerator_step_ms"] is None:
        raise UsageError("--replicas needs --accelerator_step_ms, the time of a step")
    if given["emit"] is not None and not given["tune"]:
        raise UsageError("--emit writes what --tune changes: add --tune")
    if given["tune"]:
        for name in ("json", "page", "step_ms", "accelerator_step_ms"):
            if given[name] is not None:
                raise UsageError(f"--{name} is of an examination: leave out --tune")
    places = {
        name: None if given[name] is None else text_file.require_place(name, given[name])
        for name in ("emit", "json", "page")
    }
    return {**given, **places, "request": request, "target": _Target(given["target"][0])}


class _Target:
    """A function that is named on the command line.

    Attributes:
      text: how it was named.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        module, separator, function = text.rpartition(":")
        if not separator or not module or not function.isidentifier():
            raise UsageError(
                f"{text!r} names no function: expected PACKAGE.MODULE:FUNCTION or "
                "FILE.py:FUNCTION"
            )
        self._module, self._function = module, function
        path = pathlib.Path(module)
        if module.endswith(".py"):
            if not path.is_file():
                raise UsageError(f"{module!r} is no file")
        elif not all(part.isidentifier() for part in module.split(".")):
            raise UsageError(f"{module!r} is no module: expected PACKAGE.MODULE")

    def load(self) -> Callable[[], Any]:
        """Imports it.

        Raises:
          UsageError: if that fails, with the reason, or it is no function.
        """
        name = self._module
        folder = os.getcwd()
        if name.endswith(".py"):
            path = pathlib.Path(name).resolve()
            folder, name = str(path.parent), path.stem
        sys.path.insert(0, folder)
        try:
            module = importlib.import_module(name)
        except Exception as error:
            raise UsageError(
                f"{self._module!r} can't be imported: {type(error).__name__}: {error}"
            ) from error
        function = getattr(module, self._function, None)
        if not callable(function):
            names = [
                each
                for each, value in vars(module).items()
                if callable(value)
                and getattr(value, "__module__", None) == module.__name__
                and not each.startswith("_")
            ]
            raise UsageError(
                f"{self._module!r} has no function {self._function!r}: it has "
                f"{', '.join(names) or 'none'}"
            )
        return function


def _work(options: dict[str, Any]) -> int:
    quiet_start.import_tensorflow()
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    try:
        make_dataset = options["target"].load()
    except UsageError as error:
        return fail(error, 2)
    return (_tune if options["tune"] else _examine)(options, make_dataset)


def _examine(options: dict[str, Any], make_dataset: Callable[[], Any]) -> int:
    from benchmarks.doctor import page, terminal
    from benchmarks.doctor.examination import examine

    request: Request = options["request"]
    with _Bar(request.seconds, "examining") as bar:
        diagnosis = examine(
            make_dataset, **dataclasses.asdict(request), advance=bar.advance
        )
    terminal.show(diagnosis, Console())
    try:
        if options["json"] is not None:
            json_file.write(options["json"], diagnosis.as_dict())
        if options["page"] is not None:
            text = page.page(diagnosis, f"Pipeline {options['target'].text}")
            text_file.write(options["page"], text)
            print(f"wrote {options['page']}")
    except OSError as error:
        return fail(error, 1)
    return 0 if diagnosis.elements_per_s > 0 else 1


def _tune(options: dict[str, Any], make_dataset: Callable[[], Any]) -> int:
    from benchmarks.doctor import graphs, settings_file, timing, tuning

    with _Bar(options["seconds"], "tuning") as bar, timing.heartbeat(bar.advance):
        try:
            dataset = make_dataset()
            tuned = tuning.find(dataset, seconds=options["seconds"])
        except tuning.NotTunableError as error:
            return fail(error, 1)
        except Exception as error:
            text = f"{type(error).__name__}: {graphs.first_line(error)}"
            return fail(RuntimeError(f"the function fails: {text}"), 1)
    print(tuned.diff or "nothing to change")
    if options["emit"] is not None:
        try:
            settings_file.write(options["emit"], tuned.original, tuned)
        except OSError as error:
            return fail(error, 1)
        print(f"wrote {options['emit']}")
    return 0


class _Bar:
    """A progress bar of seconds."""

    def __init__(self, seconds: float, text: str) -> None:
        form = "{desc} {bar} {n:.0f} of at most {total:.0f} s"
        self._bar = tqdm(
            total=seconds, desc=text, bar_format=form, leave=False, disable=None
        )

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def advance(self, seconds: float) -> None:
        """Moves it on, at most to its end."""
        self._bar.update(max(0.0, min(seconds, self._bar.total - self._bar.n)))


if __name__ == "__main__":
    sys.exit(main(sys.argv))
