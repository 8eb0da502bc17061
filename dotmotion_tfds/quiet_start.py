"""Starting TensorFlow, and other libraries, without the lines that they print."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import tempfile
from collections.abc import Iterator

_NVIDIA_DEVICE = "/dev/nvidia0"


def import_tensorflow() -> None:
    """Imports TensorFlow and looks for devices, keeping standard error to itself.

    The library prints some lines before its log level is read. They are shown after all
    if the import fails, or if the machine has an NVIDIA device that can't be used.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with standard_error_kept() as kept, _no_garbage_collected():
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        if os.path.exists(_NVIDIA_DEVICE) and not gpus:
            kept.append("an NVIDIA device is there, but TensorFlow can't use it\n")


@contextlib.contextmanager
def _no_garbage_collected() -> Iterator[None]:
    """Looks for none: of what an import makes most stays, and it took a seventh longer."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def standard_error_kept() -> Iterator[list[str]]:
    """Keeps what is written to file descriptor 2; shows it on an error or a note.

    Yields:
      A list of notes, to which lines can be added.
    """
    notes: list[str] = []
    sys.stderr.flush()
    descriptor = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        failed = True
        try:
            yield notes
            failed = False
        finally:
            sys.stderr.flush()
            os.dup2(descriptor, 2)
            os.close(descriptor)
            if failed or notes:
                file.seek(0)
                sys.stderr.write(file.read().decode(errors="replace") + "".join(notes))
