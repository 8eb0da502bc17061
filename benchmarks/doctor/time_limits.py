"""Work that is given up after some time, together with the operations it waits for."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any

from tensorflow.python.eager import cancellation

# Most operations end as soon as they are told to; Python code in them ends by itself.
_ENDING_SECONDS = 1.0


class TooSlowError(RuntimeError):
    """Something was not done in time."""


class _Scope:
    """What can be cancelled together, and the parts that have a limit of their own."""

    def __init__(self) -> None:
        self.manager = cancellation.CancellationManager()
        self._parts: list[_Scope] = []
        self._lock = threading.Lock()

    def part(self) -> _Scope:
        part = _Scope()
        with self._lock:
            self._parts.append(part)
            if self.manager.is_cancelled:
                part.cancel()
        return part

    def leave(self, part: _Scope) -> None:
        with self._lock:
            self._parts.remove(part)

    def cancel(self) -> None:
        with self._lock:
            self.manager.start_cancel()
            for part in self._parts:
                part.cancel()


_SCOPE: contextvars.ContextVar[_Scope | None] = contextvars.ContextVar(
    "what is cancelled when its time is over", default=None
)


def manager() -> Any:
    """Cancels the operations that are given it, when the time of what runs is over."""
    scope = _SCOPE.get()
    return scope.manager if scope is not None else cancellation.CancellationManager()


def within(seconds: float, function: Callable[[], Any]) -> Any:
    """The result of a function that is given up after some time.

    The operations that were given `manager()` are cancelled then. What can't be, such as
    Python code that waits, goes on in a thread of its own until it comes to the next of
    them. Calls can stand inside others.

    Args:
      seconds: how long it may take.
      function: called without arguments.

    Raises:
      TooSlowError: if it takes longer.
    """
    outer = _SCOPE.get()
    scope = outer.part() if outer is not None else _Scope()
    results: list[Any] = []
    errors: list[BaseException] = []

    def run() -> None:
        _SCOPE.set(scope)
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(
        target=contextvars.copy_context().run, args=(run,), daemon=True
    )
    thread.start()
    thread.join(seconds)
    is_late = thread.is_alive()
    if is_late:
        scope.cancel()
        thread.join(_ENDING_SECONDS)
    if outer is not None:
        outer.leave(scope)
    if is_late or scope.manager.is_cancelled:
        raise TooSlowError(f"not done within {seconds:.0f} s")
    if errors:
        raise errors[0]
    return results[0]
