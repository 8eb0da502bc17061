"""Weights out of a file that somebody else may have made: numbers only, never code.

A `.keras` file describes a model in a way that can run code when it is loaded (see the
`safe_mode` of `keras.models.load_model`, and its CVEs), and an HDF5 file can point to other
files of this machine. So the model is built from one's own options; of the file only arrays
are read, after it was made sure that they are in it and as large as those of the model.
"""

from __future__ import annotations

import io
import math
import pathlib
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import h5py
import keras
import numpy as np

from dotmotion_tfds.spec import either
from trainers.options import OptionsError

SUFFIXES = (".weights.h5", ".h5", ".keras")
_MEMBER = "model.weights.h5"
# The optimizer's moments may be in a file too, and what HDF5 needs around them.
_MOST_TIMES, _MOST_MORE = 4, 1 << 20
_MOST_DEPTH, _MOST_ARRAYS = 16, 10_000
# Characters of what Keras says.
_MOST_WORDS = 300


def load(path: pathlib.Path, model: keras.Model) -> None:
    """Gives a model the weights of a file.

    Args:
      path: a `.weights.h5`, `.h5` or `.keras` file of Keras, of a model of the same
        layers, in Keras's own order.
      model: the model, of Keras's own layers.

    Raises:
      OptionsError: if the file can't be read, holds other weights, is larger than the
        model's weights account for, or refers to other files. The model may have some of
        the weights then.
    """
    most = _MOST_TIMES * sum(_num_bytes(weight) for weight in model.weights) + _MOST_MORE
    try:
        content = _hdf5_of(path, most)
        _require_plain(content, most)
        with tempfile.TemporaryDirectory() as folder:
            # What was checked, and not what is there by now. Keras reads by the name.
            suffix = ".h5" if _is_of_keras_2(content) else ".weights.h5"
            place = pathlib.Path(folder) / f"checked{suffix}"
            place.write_bytes(content)
            model.load_weights(place)
    except Exception as error:  # HDF5 and Keras raise whatever a broken file leads to
        reason = " ".join((str(error) or type(error).__name__).split())
        raise _unusable(path, reason[:_MOST_WORDS]) from None


def _num_bytes(weight: keras.Variable) -> int:
    return math.prod(weight.shape) * np.dtype(weight.dtype).itemsize


def _hdf5_of(path: pathlib.Path, most: int) -> bytes:
    """The HDF5 file that a file is, or holds if it is an archive."""
    if not path.name.endswith(SUFFIXES):
        raise ValueError(f"its name does not end in {either(SUFFIXES)}")
    if path.suffix != ".keras":
        return _limited(path.stat().st_size, most, path.read_bytes)
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(_MEMBER).file_size
        # An archive can say less than it holds.
        with archive.open(_MEMBER) as member:
            return _limited(size, most, lambda: member.read(most))


def _limited(size: int, most: int, read: Callable[[], bytes]) -> bytes:
    if size > most:
        raise ValueError(
            f"it has {size} bytes, and the weights of this model take {most} at most"
        )
    return read()


def _require_plain(content: bytes, most: int) -> None:
    """Checks that all is in the file itself, and not larger in memory than it may be."""
    total = 0
    with h5py.File(io.BytesIO(content), "r") as file:
        for count, (name, dataset) in enumerate(_datasets(file, "")):
            if count > _MOST_ARRAYS:
                raise ValueError(f"it has more than {_MOST_ARRAYS} arrays")
            if dataset.external or dataset.is_virtual:
                raise ValueError(f"{name} lies in another file")
            if dataset.dtype.kind not in "fiub":
                raise ValueError(f"{name} holds {dataset.dtype}, expected numbers")
            total += dataset.size * dataset.dtype.itemsize
            if total > most:
                raise ValueError(
                    f"its arrays take {total} bytes or more, and the weights of this model "
                    f"{most} at most"
                )


def _datasets(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name in group:
        place = f"{path}/{name}"
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"{place} is a link to elsewhere")
        value = group[name]
        if isinstance(value, h5py.Group):
            # A group can be in itself.
            if place.count("/") > _MOST_DEPTH or len(value) > _MOST_ARRAYS:
                raise ValueError(f"{place} is nested too deeply")
            yield from _datasets(value, place)
        elif isinstance(value, h5py.Dataset):
            yield place, value


def _is_of_keras_2(content: bytes) -> bool:
    with h5py.File(io.BytesIO(content), "r") as file:
        return "layer_names" in file.attrs or "model_weights" in file


def _unusable(path: pathlib.Path, reason: str) -> OptionsError:
    return OptionsError(
        f"initial_weights={str(path)!r} can't be used ({reason}): expected a "
        f"{either(SUFFIXES)} file of a model of the same layers"
    )
