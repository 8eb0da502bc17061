"""Arms for tests: functions that other processes can import."""

from __future__ import annotations

import itertools
import os
import pathlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from benchmarks.arms import Work, WrongWorkError


def sleeper(seconds: float, count: int = 10, checksum: int = 7) -> Callable[[], Work]:
    """Sleeps."""

    def turn() -> Work:
        time.sleep(seconds)
        return Work(count=count, checksum=checksum)

    return turn


def recorder(path: str, name: str) -> Callable[[], Work]:
    """Writes its name and process into a file at each turn."""

    def turn() -> Work:
        with open(path, "a") as file:
            file.write(f"{name} {os.getpid()}\n")
        return Work(count=1, checksum=0, seconds=1.0)

    return turn


def starter(path: str, name: str) -> Callable[[], Work]:
    """Writes its name into a file when its process starts."""
    with open(path, "a") as file:
        file.write(name)
    return sleeper(0.0)


def meeting(path: str, others: int) -> Callable[[], Work]:
    """Is ready when so many have written into a file."""
    with open(path, "a") as file:
        file.write("x")
    deadline = time.monotonic() + 60
    while len(pathlib.Path(path).read_text()) < others:
        if time.monotonic() > deadline:
            raise TimeoutError(path)
        time.sleep(0.01)
    return sleeper(0.0)


def busy() -> Callable[[], Work]:
    """Is never ready."""
    time.sleep(3600)
    return sleeper(0.0)


def parent(path: str) -> Callable[[], Work]:
    """Has a thread that does not end, and a child, whose number is written into a file."""
    threading.Thread(target=time.sleep, args=(3600,)).start()
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    pathlib.Path(path).write_text(str(child.pid))
    return sleeper(0.0)


def wrong() -> Callable[[], Work]:
    """Says that its work is wrong."""

    def turn() -> Work:
        raise WrongWorkError("batch 3 is another one")

    return turn


def slower_each_turn() -> Callable[[], Work]:
    """Takes a second more at each turn, by its own clock."""
    numbers = itertools.count(1)

    def turn() -> Work:
        number = next(numbers)
        return Work(count=1, checksum=0, seconds=number, notes={"turn": number})

    return turn


def growing(path: str) -> Callable[[], Work]:
    """Does more at each turn."""

    def turn() -> Work:
        with open(path, "a") as file:
            file.write("x")
        return Work(count=len(pathlib.Path(path).read_text()), checksum=0)

    return turn


def other_in_the_next_life(path: str) -> Callable[[], Work]:
    """Does more in each process after the first."""
    with open(path, "a") as file:
        file.write("x")
    return sleeper(0.0, count=len(pathlib.Path(path).read_text()))


def failing_to_prepare() -> Callable[[], Work]:
    """Fails before its first turn."""
    raise ValueError("no such thing")


def dying() -> Callable[[], Work]:
    """Ends its process."""

    def turn() -> Work:
        os._exit(3)

    return turn


def remarking(remark: str, cause: str) -> Callable[[], Work]:
    """Writes to standard error as a library does, and fails if there is a cause."""
    os.write(2, f"{remark}\n".encode())
    if cause:
        raise OSError(cause)
    return sleeper(0.0)
