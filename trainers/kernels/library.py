"""The library of the kernels that layers use; see `dotmotion_tfds.native.library`."""

from __future__ import annotations

import pathlib

from dotmotion_tfds.native.library import Kernels, Library

_LIBRARY = Library(pathlib.Path(__file__).parent / "source")


def load() -> Kernels:
    """Loads the kernels; compiles them, for about ten seconds, if that was not done yet."""
    return _LIBRARY.load()


def is_ready() -> bool:
    """Whether `load` has nothing to compile."""
    return _LIBRARY.is_ready()
