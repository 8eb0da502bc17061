"""What a dataset's function makes of its arguments, as its definition tells.

A value of a definition has a name such as "Add:z:0", of the node that makes it; that of an
argument is the argument's own.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.doctor import graphs
from benchmarks.doctor.graphs import Node, Pipeline


class Definition:
    """A function, without those that it calls.

    Attributes:
      nodes: its operations, protos of the graph; not to be changed.
      arguments: their names, of an element's components first.
      returned: the values that it gives, in order.
    """

    def __init__(self, proto: Any) -> None:
        """Reads a `FunctionDef`."""
        self.nodes = list(proto.node_def)
        self.arguments = [each.name for each in proto.signature.input_arg]
        self.returned = [proto.ret[each.name] for each in proto.signature.output_arg]
        self._made = {each.name: each for each in self.nodes}
        self._has_control_outputs = bool(proto.control_ret)

    @property
    def has_side_effects(self) -> bool:
        """Whether it does or checks anything besides making its values."""
        return self._has_control_outputs or any(
            name.startswith("^") for each in self.nodes for name in each.input
        )

    def producer(self, value: str) -> Any:
        """The operation that makes a value; None if it is an argument."""
        return self._made.get(self.maker(value))

    @staticmethod
    def maker(value: str) -> str:
        """Name of the operation or argument that a value is of."""
        return value.lstrip("^").partition(":")[0]

    def givers(self, node: Any) -> list[str]:
        """The operations and arguments whose values an operation takes, in order."""
        return [self.maker(name) for name in node.input if not name.startswith("^")]

    def handed_on(self, value: str) -> str:
        """The value that one is, which identities may have handed on."""
        while (made := self.producer(value)) is not None and made.op == "Identity":
            value = made.input[0]
        return value

    def argument(self, value: str) -> int | None:
        """Which argument a value is, from 0; None if an operation makes it."""
        value = self.handed_on(value)
        return self.arguments.index(value) if value in self.arguments else None

    def constant(self, value: str) -> Any:
        """A value that is a single number; None if it is no constant."""
        made = self.producer(self.handed_on(value))
        if made is None or made.op != "Const":
            return None
        return graphs.tensor(made.attr["value"].tensor).numpy().item()

    def needed_for(self, values: Iterable[str]) -> set[str]:
        """Names of the operations and arguments that some values depend on."""
        return _reached(map(self.maker, values), self._givers)

    def dependent_on(self, names: Iterable[str]) -> set[str]:
        """Names of the operations that depend on some operations or arguments.

        With those that are given.
        """
        return _reached(names, self._takers)

    @functools.cached_property
    def _givers(self) -> dict[str, list[str]]:
        """Of each operation, with those that only have to come before it."""
        return {each.name: [self.maker(name) for name in each.input] for each in self.nodes}

    @functools.cached_property
    def _takers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for taker, givers in self._givers.items():
            for giver in givers:
                found.setdefault(giver, []).append(taker)
        return found


def of(pipeline: Pipeline, node: Node) -> Definition | None:
    """The function of a dataset; None if it has none.

    Args:
      pipeline: where the dataset is.
      node: the dataset. Of several functions, the first is meant.
    """
    for each in pipeline.graph.library.function:
        if node.functions and each.signature.name == node.functions[0]:
            return Definition(each)
    return None


def _reached(names: Iterable[str], following: Mapping[str, Sequence[str]]) -> set[str]:
    """Names, those that follow each of them, and so on."""
    found: set[str] = set()
    unseen = list(names)
    while unseen:
        name = unseen.pop()
        if name not in found:
            found.add(name)
            unseen += following.get(name, ())
    return found
