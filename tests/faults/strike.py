"""Runs a program as `python -m` would, and strikes it at a chosen moment.

Usage:
  python -m tests.faults.strike STRIKE... -- MODULE ARGUMENT...

Strikes:
  file_event=K:FOLDER   SIGKILL just before the K-th thing that is opened, made, renamed or
                        removed in a folder, counted from 1
  step=K                SIGKILL just before training step K of this process
  grown=BYTES           SIGXFSZ when any file grows beyond so many bytes
  memory=BYTES          no more addresses than so many
  full=BYTES            writing beyond so many bytes of any file fails, as on a full disk
  plant=NAME            one of the bugs in `tests.faults.planted`
"""

from __future__ import annotations

import os
import resource
import runpy
import signal
import sys
from collections.abc import Callable

# What changes a folder or opens something in it; `os.replace` is `os.rename` here.
_FILE_EVENTS = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree")


# What a process says that is killed at a file event.
STRUCK = b"struck\n"


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def at_file_event(text: str) -> None:
    number, _, folder = text.partition(":")
    left = int(number)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event not in _FILE_EVENTS or not isinstance(
            arguments[0], str | bytes | os.PathLike
        ):
            return
        if os.fsdecode(arguments[0]).startswith(folder):
            left -= 1
            if left == 0:
                os.write(sys.stderr.fileno(), STRUCK)
                _kill()

    sys.addaudithook(hook)


def at_step(text: str) -> None:
    from trainers import steps

    make = steps.make_train_step
    left = int(text)

    def make_struck(*arguments, **options):
        train_step = make(*arguments, **options)

        def step(batch):
            nonlocal left
            left -= 1
            if left == 0:
                _kill()
            return train_step(batch)

        step.get_concrete_function = train_step.get_concrete_function
        return step

    steps.make_train_step = make_struck


def when_grown(text: str) -> None:
    # Python ignores the signal, and then writing fails instead.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(text), int(text)))


def when_full(text: str) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(text), int(text)))


def with_little_memory(text: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (int(text), int(text)))


def with_bug(name: str) -> None:
    from tests.faults import planted

    planted.BUGS[name]()


_STRIKES: dict[str, Callable[[str], None]] = {
    "file_event": at_file_event,
    "step": at_step,
    "grown": when_grown,
    "full": when_full,
    "memory": with_little_memory,
    "plant": with_bug,
}


def main(argv: list[str]) -> None:
    """Prepares the strikes and runs the program."""
    where = argv.index("--")
    for strike in argv[1:where]:
        name, _, text = strike.partition("=")
        _STRIKES[name](text)
    module, *arguments = argv[where + 1 :]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv)
