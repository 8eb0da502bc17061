"""Compiles operations for this machine's processor, once, and loads them.

A C++ compiler is needed: `$CXX`, or `c++`, `g++` or `clang++` on the path. What it makes is
kept in `$XDG_CACHE_HOME/dotmotion` (`~/.cache/dotmotion`), under a name that depends on
sources, compiler, TensorFlow and processor. `DOTMOTION_KERNELS=off` turns the kernels off.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import platform
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

# Headers that libraries share.
_SHARED = pathlib.Path(__file__).parent / "shared_source"
_MAIN = "kernels.cc"
_COMPILERS = ("c++", "g++", "clang++")
_FLAGS = ("-std=c++17", "-O3", "-march=native", "-fPIC", "-shared", "-pthread", "-w")
_MOST_SECONDS = 300


@dataclasses.dataclass(frozen=True)
class Kernels:
    """What came of compiling and loading.

    Attributes:
      ops: the module with a function for each operation, or None.
      absence: why there are none, in one line; empty if there are.
    """

    ops: Any
    absence: str = ""


class _AbsentError(Exception):
    """There will be no kernels; the message is one line."""


class Library:
    """Operations of one directory of sources.

    Args:
      source: the directory; its `kernels.cc` is compiled, which may include what is
        beside it.
    """

    def __init__(self, source: pathlib.Path) -> None:
        self._source = source
        # Replicas are traced in threads of their own.
        self._lock = threading.Lock()
        self._loaded: Kernels | None = None

    def load(self) -> Kernels:
        """Loads the operations; compiles them, for seconds, if that was not done yet."""
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def is_ready(self) -> bool:
        """Whether `load` has nothing to compile."""
        try:
            return _place(self._source, _compiler()).exists()
        except _AbsentError:
            return True

    def _load(self) -> Kernels:
        try:
            compiler = _compiler()
            place = _place(self._source, compiler)
            if place.exists():
                with contextlib.suppress(_AbsentError):
                    return _opened(place)
            # What is there can't be loaded: another try may mend it.
            with _directory(place) as directory:
                made = directory / place.name
                _compile(self._source, compiler, made)
                return _opened(made)
        except _AbsentError as error:
            return Kernels(None, str(error))


def _opened(place: pathlib.Path) -> Kernels:
    try:
        return Kernels(tf.load_op_library(str(place)))
    except (tf.errors.OpError, OSError) as error:
        raise _AbsentError(f"{place} can't be loaded: {_first_line(str(error))}") from None


def _compiler() -> str:
    if os.environ.get("DOTMOTION_KERNELS", "").lower() in ("off", "0", "false"):
        raise _AbsentError("DOTMOTION_KERNELS turns them off")
    if platform.system() != "Linux":
        raise _AbsentError(f"they are for Linux, this is {platform.system()}")
    named = os.environ.get("CXX")
    for name in (named,) if named else _COMPILERS:
        found = shutil.which(name)
        if found:
            return found
    wanted = f"CXX={named!r}" if named else " or ".join(_COMPILERS)
    raise _AbsentError(f"no C++ compiler was found ({wanted}): install g++")


def _place(source: pathlib.Path, compiler: str) -> pathlib.Path:
    """Where a library belongs."""
    parts = [
        tf.__version__,
        tf.sysconfig.get_lib(),
        os.path.realpath(compiler),
        _processor(),
    ]
    parts += [*_FLAGS, str(os.stat(compiler).st_mtime_ns)]
    digest = hashlib.sha256("\0".join(parts).encode())
    for file in sorted(_SHARED.iterdir()) + sorted(source.iterdir()):
        digest.update(file.read_bytes())
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(cache) / "dotmotion" / f"kernels-{digest.hexdigest()[:16]}.so"


def _processor() -> str:
    """What decides the instructions that the compiler may use."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    kinds = ("model name", "flags", "Features", "CPU part")
    return "\n".join(sorted({line for line in lines if line.startswith(kinds)}))


@contextlib.contextmanager
def _directory(place: pathlib.Path) -> Iterator[pathlib.Path]:
    """The library's directory; where it can't be written, one that lasts until the end."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        # A file of another user's could be put in its place.
        usable = place.parent.stat().st_uid == os.getuid() and os.access(
            place.parent, os.W_OK
        )
    except OSError:
        usable = False
    if usable:
        yield place.parent
    else:
        # A library that is loaded does not need its file any more.
        with tempfile.TemporaryDirectory(prefix="dotmotion-") as directory:
            yield pathlib.Path(directory)


def _compile(source: pathlib.Path, compiler: str, place: pathlib.Path) -> None:
    """Compiles to a file beside `place`, and puts it there when it is whole."""
    try:
        handle, name = tempfile.mkstemp(dir=place.parent, suffix=".so")
    except OSError as error:
        raise _AbsentError(f"{place.parent} can't be written: {error.strerror}") from None
    os.close(handle)
    command = [compiler, *_FLAGS, "-isystem", tf.sysconfig.get_include()]
    command += ["-I", str(_SHARED), str(source / _MAIN)]
    command += [*tf.sysconfig.get_link_flags(), "-o", name]
    try:
        subprocess.run(
            command, capture_output=True, text=True, timeout=_MOST_SECONDS, check=True
        )
        os.replace(name, place)
    except subprocess.CalledProcessError as error:
        wrong = _first_line(error.stderr) or f"exit status {error.returncode}"
        raise _AbsentError(f"{compiler} failed: {wrong}") from None
    except subprocess.TimeoutExpired:
        raise _AbsentError(f"{compiler} took more than {_MOST_SECONDS} s") from None
    except OSError as error:
        raise _AbsentError(f"{compiler} can't be run: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)


def _first_line(text: str) -> str:
    """The first line that names an error, or the first one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line), lines[0] if lines else "")
