"""One side of a comparison, and the processes that it lives in.

Each process is a fresh one: allocators, autotuning and compiled code of one arm can't help
or hurt another.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import psutil

# How a process tells that error from others.
_WRONG = "WrongWorkError: "
# Until a process that was told to end is made to.
_PATIENCE_SECONDS = 10.0


class MeasureError(RuntimeError):
    """A comparison that would not mean anything; the message is one line."""


class WrongWorkError(MeasureError):
    """An arm did nothing, or something else than it should."""


@dataclasses.dataclass(frozen=True)
class Work:
    """What one turn did.

    Attributes:
      count: items that were processed, at least 1.
      checksum: a number that depends on what was processed; turns of arms in the same
        group have to agree on it.
      seconds: how long it took, where the turn measured itself because it had to prepare
        or tidy up something; None to take the time of the whole turn.
      notes: figures of the process that are no rates, such as its peak memory.
    """

    count: int
    checksum: int
    seconds: float | None = None
    notes: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Arm:
    """One side of a comparison.

    Attributes:
      name: its name in the result.
      prepare: a function of a module, called once in the arm's process with `arguments`;
        it returns the function of a turn.
      arguments: what `prepare` is called with; has to be picklable.
      group: arms of one group have to do the same work.
      processes: how many processes take the arm's turns one after the other.
      is_renewed: whether they are others in every round that is counted.
    """

    name: str
    prepare: Callable[..., Callable[[], Work]]
    arguments: tuple[Any, ...] = ()
    group: str = ""
    processes: int = 1
    is_renewed: bool = False


class Running:
    """The processes of an arm, which take its turns one after the other."""

    def __init__(self, arm: Arm) -> None:
        """Starts none yet.

        Args:
          arm: whose they are.
        """
        self.arm = arm
        self._processes: list[BaseProcess] = []
        self._connections: list[Connection] = []
        self._descendants: list[psutil.Process] = []
        self._ready = 0
        self._turns = 0

    def begin(self) -> None:
        """Starts one more process, and does not wait for it."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        # Daemons may not have workers of their own.
        process = context.Process(target=_serve, args=(theirs, self.arm))
        process.start()
        theirs.close()
        self._processes.append(process)
        self._connections.append(ours)

    def wait(self) -> None:
        """Waits until one more of those that were started is ready for a turn.

        Raises:
          MeasureError: if it fails.
        """
        self._receive(self._connections[self._ready])
        self._ready += 1

    def turn(self) -> Work:
        """What the process did whose turn it is.

        Raises:
          WrongWorkError: if it says that its work is wrong.
          MeasureError: if it fails.
        """
        connection = self._connections[self._turns % len(self._connections)]
        self._turns += 1
        connection.send("turn")
        work: Work = self._receive(connection)
        return work

    def dismiss(self) -> None:
        """Tells the processes to end."""
        for process in self._processes:
            if process.pid is not None:
                with contextlib.suppress(psutil.Error):
                    own = psutil.Process(process.pid)
                    self._descendants += own.children(recursive=True)
        for connection in self._connections:
            connection.close()

    def join(self) -> None:
        """Waits until they and what they started have ended, or ends them."""
        for process in self._processes:
            process.join(timeout=_PATIENCE_SECONDS)
            if process.is_alive():
                process.kill()
            process.join()
        _, left = psutil.wait_procs(self._descendants, timeout=_PATIENCE_SECONDS)
        for descendant in left:
            with contextlib.suppress(psutil.Error):
                descendant.kill()
        self._processes, self._connections, self._descendants = [], [], []
        self._ready = self._turns = 0

    def _receive(self, connection: Connection) -> Any:
        try:
            answer = connection.recv()
        except EOFError:
            answer = "its process ended"
        if isinstance(answer, str):
            kind = WrongWorkError if answer.startswith(_WRONG) else MeasureError
            raise kind(f"{self.arm.name} failed: {answer.removeprefix(_WRONG)}")
        return answer


def start(running: Sequence[Running], *, at_once: int = 1) -> None:
    """Starts the processes of some arms, back and forth.

    What starts earlier was slower by one or two percent, whatever the reason.

    Args:
      running: of each arm.
      at_once: how many processes may be on their way to be ready.

    Raises:
      MeasureError: if one of them fails.
    """
    begun: list[Running] = []
    for number in range(max((each.arm.processes for each in running), default=0)):
        for each in reversed(running) if number % 2 else running:
            if number < each.arm.processes:
                each.begin()
                begun.append(each)
                if len(begun) >= at_once:
                    begun.pop(0).wait()
    for each in begun:
        each.wait()


def end(running: Sequence[Running]) -> None:
    """Ends all processes of some arms, and what they started."""
    for each in running:
        each.dismiss()
    for each in running:
        each.join()


def _serve(connection: Connection, arm: Arm) -> None:
    """The life of a process."""
    try:
        turn = arm.prepare(*arm.arguments)
        connection.send(None)
        while connection.recv():
            start = time.perf_counter()
            work = turn()
            seconds = time.perf_counter() - start
            if work.seconds is None:
                work = dataclasses.replace(work, seconds=seconds)
            connection.send(work)
    except EOFError:
        # To take TensorFlow apart takes two seconds.
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    except BaseException as error:
        connection.send(f"{type(error).__name__}: {error}")
        raise
