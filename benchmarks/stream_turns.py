"""The turns of a round in which everything else is compared with the stream.

It and its control, the stream again, get more turns than others (after Dunnett, "A multiple
comparison procedure for comparing several treatments with a control", 1955): at some places
of a round, and short ones, because two equal streams in turn differ by 7 % in a quarter of
a second and as much in a tenth. Others would count what their buffers have kept in a short
turn: a twentieth in a tenth of a second.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

# Of the seconds of another's turn.
SHORT_PART = 0.1
_PLACES, _TURNS_OF_FOUR = 4, 4


def order(
    names: Sequence[str], memset_names: Sequence[str], streams: tuple[str, str]
) -> list[str]:
    """The turns of a round, in which the stream and its control have many.

    What they are all compared with, memset, has one at each of their places.

    Both come as often after another, which may leave the machine in another state, and
    after themselves.

    Args:
      names: of the arms that feed clips; the stream and its control may be among them.
      memset_names: of the others.
      streams: the stream and its control.
    """
    stream, again = streams
    others = [name for name in names if name not in streams]
    edges = [len(others) * part // _PLACES for part in range(_PLACES + 1)]
    there_and_back = [stream, again, again, stream]
    back_and_there = [again, stream, stream, again]
    found = []
    for number, (low, high) in enumerate(itertools.pairwise(edges)):
        turns = back_and_there if number % 2 else there_and_back
        found += [*turns * _TURNS_OF_FOUR, *memset_names, *others[low:high]]
    return found
