"""What the programs of this project have in common: flags, help and one-line errors."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from absl import flags as absl_flags

from dotmotion_tfds.spec import SpecError

Options = TypeVar("Options")

USAGE_ERROR = 2

# Every set of flags has these two of absl's own.
_BUILTIN = ("flagfile", "undefok")
_KINDS = {"int": "an integer", "float": "a number", "bool": "true or false"}


class UsageError(ValueError):
    """A program was called wrongly; the message is one line."""


@dataclasses.dataclass(frozen=True)
class _Positional:
    name: str
    description: str
    least: int
    most: int | None

    def taken(self, rest: Sequence[str]) -> list[str]:
        if len(rest) < self.least or (self.most is not None and len(rest) > self.most):
            expected = (
                f"{self.least} or more"
                if self.most is None
                else f"{self.least}"
                if self.least == self.most
                else f"{self.least} to {self.most}"
            )
            raise UsageError(
                f"arguments expected: {expected} ({self.description}), "
                f"given: {len(rest)}, see --help"
            )
        return list(rest)


class Flags:
    """The flags of one program, in a set of their own that no other program sees."""

    def __init__(self) -> None:
        self.values = absl_flags.FlagValues()
        self._positional: _Positional | None = None
        self.boolean("help", "show this help", short_name="h")

    def string(self, name: str, default: str | None, description: str) -> None:
        """Defines a flag that holds a string."""
        absl_flags.DEFINE_string(name, default, description, flag_values=self.values)

    def integer(self, name: str, default: int | None, description: str) -> None:
        """Defines a flag that holds an integer."""
        absl_flags.DEFINE_integer(name, default, description, flag_values=self.values)

    def number(self, name: str, default: float | None, description: str) -> None:
        """Defines a flag that holds a floating-point number."""
        absl_flags.DEFINE_float(name, default, description, flag_values=self.values)

    def boolean(self, name: str, description: str, short_name: str | None = None) -> None:
        """Defines a flag that is off unless it is given."""
        absl_flags.DEFINE_bool(
            name, False, description, flag_values=self.values, short_name=short_name
        )

    def positional(
        self, name: str, description: str, *, least: int = 1, most: int | None = None
    ) -> None:
        """Lets the program take arguments that are not options, before or after them.

        Args:
          name: under which `parse` returns them, as a list.
          description: for `--help` and for the error if there are too few or too many.
          least: how many there have to be.
          most: how many there can be, or None for any number.
        """
        self._positional = _Positional(name, description, least, most)
        self.values.set_gnu_getopt(True)

    def parse(self, argv: Sequence[str]) -> dict[str, Any] | None:
        """Reads the command line.

        Args:
          argv: the process's arguments, the program first.

        Returns:
          The value of each flag by name, and the list of other arguments by theirs; or
          None if help was asked for.

        Raises:
          UsageError: if a flag is unknown, its value is unusable, or there are other
            arguments than the program takes.
        """
        try:
            rest = self.values(list(argv))[1:]
        except absl_flags.Error as error:
            raise UsageError(self._explain(str(error))) from None
        if self.values.help:
            return None
        given = {name: self.values[name].value for name in self._names() if name != "help"}
        if self._positional is not None:
            return {self._positional.name: self._positional.taken(rest), **given}
        if rest:
            raise UsageError(
                f"unexpected argument {rest[0]!r}: options look like --name=value, see "
                "--help"
            )
        return given

    def help(self, about: str) -> str:
        """What `--help` prints: `about`, then a line for each argument and flag."""
        lines = [about.rstrip(), ""]
        if self._positional is not None:
            name, description = self._positional.name, self._positional.description
            lines += ["Arguments:", f"  {name.upper()}: {description}", ""]
        lines.append("Options:")
        for name in self._names():
            flag = self.values[name]
            default = "" if flag.default in (None, False) else f" (default {flag.default})"
            lines.append(f"  --{name}: {flag.help}{default}")
        return "\n".join(lines)

    def _names(self) -> list[str]:
        return [
            name
            for name in self.values
            if name not in _BUILTIN and self.values[name].name == name
        ]

    def _explain(self, message: str) -> str:
        first_line = message.splitlines()[0]
        for name in self.values:
            prefix = f"flag --{name}="
            if first_line.startswith(prefix):
                value = first_line[len(prefix) :].split(": ")[0]
                expected = _KINDS.get(self.values[name].flag_type(), "another value")
                return f"--{name}={value!r} is not usable: expected {expected}, see --help"
        return f"{first_line.rstrip('.')}; see --help"


def run(
    argv: Sequence[str],
    *,
    flags: Flags,
    about: str | None,
    check: Callable[[dict[str, Any]], Options],
    work: Callable[[Options], int],
) -> int:
    """What a `main` does: reads and checks the command line, helps, or works.

    Args:
      argv: the process's arguments, the program first.
      flags: the program's flags.
      about: what `--help` prints before them; the program's docstring.
      check: makes options of the flags' values, without anything that takes long. It
        raises UsageError or SpecError for what is unusable.
      work: does the work; its result is the exit status.

    Returns:
      The exit status: 0 for help, 2 for wrong usage.
    """
    try:
        given = flags.parse(argv)
        if given is None:
            print(flags.help(str(about)))
            return 0
        options = check(given)
    except (UsageError, SpecError) as error:
        return fail(error, USAGE_ERROR)
    return work(options)


def fail(error: Exception, status: int) -> int:
    """Prints an error in one line; returns the exit status."""
    print(f"error: {error}", file=sys.stderr)
    return status
