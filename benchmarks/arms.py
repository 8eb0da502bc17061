"""One side of a comparison, and the processes that it lives in.

Each process is a fresh one: allocators, autotuning and compiled code of one arm can't help
or hurt another. Arms that share a home share its processes, and so all that makes one
process of a program faster than the next.
"""

from __future__ import annotations

import atexit
import collections
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

from dotmotion_tfds import quiet_start

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
      home: arms of one home live in the same processes, and are prepared there one after
        the other; empty for processes of its own.
    """

    name: str
    prepare: Callable[..., Callable[[], Work]]
    arguments: tuple[Any, ...] = ()
    group: str = ""
    processes: int = 1
    is_renewed: bool = False
    home: str = ""


class Running:
    """The processes of an arm, or of those of a home, each with turns of all of them.

    Attributes:
      arms: whose they are.
      processes: how many there are to be.
      is_renewed: whether there are others in every round that is counted.
    """

    def __init__(self, *arms: Arm) -> None:
        """Starts none yet.

        Args:
          *arms: whose they are, at least one, with as many processes and renewed alike.
        """
        lives = {(arm.processes, arm.is_renewed) for arm in arms}
        if len(lives) != 1:
            raise ValueError(f"{[arm.name for arm in arms]}: one home and {lives=}")
        self.arms = arms
        ((self.processes, self.is_renewed),) = lives
        self._processes: list[BaseProcess] = []
        self._connections: list[Connection] = []
        self._descendants: list[psutil.Process] = []
        self._ready = 0
        self._turns: collections.Counter[str] = collections.Counter()

    def begin(self) -> None:
        """Starts one more process, and does not wait for it."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        # Daemons may not have workers of their own.
        process = context.Process(target=_serve, args=(theirs, self.arms))
        process.start()
        theirs.close()
        self._processes.append(process)
        self._connections.append(ours)

    def wait(self) -> None:
        """Waits until one more of those that were started is ready for a turn.

        Raises:
          MeasureError: if it fails.
        """
        names = ", ".join(arm.name for arm in self.arms)
        self._receive(self._connections[self._ready], names)
        self._ready += 1

    def turn(self, name: str) -> Work:
        """What the process did whose turn it is.

        Args:
          name: of the arm.

        Raises:
          WrongWorkError: if it says that its work is wrong.
          MeasureError: if it fails.
        """
        connection = self._connections[self._turns[name] % len(self._connections)]
        self._turns[name] += 1
        connection.send(name)
        work: Work = self._receive(connection, name)
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
        self._ready = 0
        self._turns.clear()

    def _receive(self, connection: Connection, name: str) -> Any:
        try:
            answer = connection.recv()
        except EOFError:
            answer = "its process ended"
        if isinstance(answer, str):
            kind = WrongWorkError if answer.startswith(_WRONG) else MeasureError
            raise kind(f"{name} failed: {answer.removeprefix(_WRONG)}")
        return answer


def start(running: Sequence[Running], *, at_once: int = 1) -> None:
    """Starts the processes of some arms, back and forth.

    What starts earlier was slower by one or two percent, whatever the reason.

    Args:
      running: of each arm or home.
      at_once: how many processes may be on their way to be ready.

    Raises:
      MeasureError: if one of them fails.
    """
    begun: list[Running] = []
    for number in range(max((each.processes for each in running), default=0)):
        for each in reversed(running) if number % 2 else running:
            if number < each.processes:
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


def _serve(connection: Connection, arms: Sequence[Arm]) -> None:
    """The life of a process, whose libraries' remarks are shown only if it fails."""
    with quiet_start.standard_error_kept():
        _take_turns(connection, arms)


def _take_turns(connection: Connection, arms: Sequence[Arm]) -> None:
    try:
        turns = {arm.name: arm.prepare(*arm.arguments) for arm in arms}
        connection.send(None)
        while True:
            turn = turns[connection.recv()]
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
