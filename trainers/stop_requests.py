"""Signals that ask a run to stop: noted at once, heeded between two steps."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

_SHOW_CURSOR = "\x1b[?25h"


class StopRequests:
    """Within this context SIGINT and SIGTERM are noted instead of obeyed.

    A second SIGINT ends the process at once, with status 130 and without unwinding. Python
    handles signals between two of its instructions, and a step is one that can take
    seconds, in which several signals become one; so a thread listens to the file descriptor
    that Python's handler in C writes to. Outside the main thread, where Python takes no
    signals, nothing changes.

    Attributes:
      received: number of the signal that came last, or None.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._previous: dict[int, Any] = {}
        self._previous_fd = -1
        self._sockets: tuple[socket.socket, socket.socket] | None = None

    def __enter__(self) -> StopRequests:
        if threading.current_thread() is threading.main_thread():
            self._sockets = listens, speaks = socket.socketpair()
            speaks.setblocking(False)
            threading.Thread(target=_leave_at_second, args=(listens,), daemon=True).start()
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)
            self._previous_fd = signal.set_wakeup_fd(
                speaks.fileno(), warn_on_full_buffer=False
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._sockets is None:
            return
        signal.set_wakeup_fd(self._previous_fd)
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        _, speaks = self._sockets
        # The thread sees the end of what is said, and ends.
        speaks.close()
        self._sockets = None

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.received = number


def _leave_at_second(listens: socket.socket) -> None:
    """Ends the process when SIGINT has come twice."""
    interrupts = 0
    with listens:
        while numbers := listens.recv(64):
            interrupts += numbers.count(signal.SIGINT)
            if interrupts > 1:
                with contextlib.suppress(OSError, ValueError):
                    if sys.stdout.isatty():
                        os.write(sys.stdout.fileno(), _SHOW_CURSOR.encode())
                os._exit(128 + signal.SIGINT)
