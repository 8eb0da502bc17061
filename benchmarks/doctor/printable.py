"""Text of others that can be shown anywhere: no escape sequences, no half characters."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

_T = TypeVar("_T")
_TAB_LETTERS = 4


def printable(value: _T, encoding: str = "utf-8") -> _T:
    """The same with all of its text as it can be written and shown.

    A terminal would obey the control characters of a name, and a file can't hold the
    surrogates of one; both are shown by their codes instead. Lines stay lines.

    Args:
      value: text, or a dataclass, mapping, tuple or list with text in it; other things
        stay what they are.
      encoding: of what the text is written to.
    """
    return _printable(value, encoding)


def _printable(value: Any, encoding: str) -> Any:
    if isinstance(value, str):
        return _text(value, encoding)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            field.name: _printable(getattr(value, field.name), encoding)
            for field in dataclasses.fields(value)
        }
        return dataclasses.replace(value, **fields)
    if isinstance(value, Mapping):
        return {
            _printable(key, encoding): _printable(inner, encoding)
            for key, inner in value.items()
        }
    if isinstance(value, (tuple, list)):
        return type(value)(_printable(inner, encoding) for inner in value)
    return value


def _text(text: str, encoding: str) -> str:
    shown = "".join(
        letter if letter.isprintable() or letter == "\n" else _code(letter)
        for letter in text.expandtabs(_TAB_LETTERS)
    )
    return shown.encode(encoding, "backslashreplace").decode(encoding)


def _code(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
