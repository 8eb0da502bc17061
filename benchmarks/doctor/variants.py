"""Sets of rewrites that differ a little from one that is known to gain.

Where elements are short, handing them over from thread to thread costs more than a second
element at work gains, and how much is not known before it is tried.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence

from benchmarks.doctor.rewrites import Rewrite

_CALLS = "num_parallel_calls"


def find(
    rewrites: Sequence[Rewrite], doubtful: Collection[Rewrite], cores: int
) -> Iterator[tuple[Rewrite, ...]]:
    """With fewer parallel calls, and without one of what is not sure to gain.

    Args:
      rewrites: the set.
      doubtful: which of them may be left out.
      cores: processors there are, and calls at least.
    """
    given = tuple(rewrites)
    narrower = tuple(_with_calls(rewrite, cores) for rewrite in given)
    if narrower != given:
        yield narrower
    if len(given) > 1:
        for left_out in given:
            if left_out in doubtful:
                yield tuple(each for each in given if each is not left_out)


def _with_calls(rewrite: Rewrite, most: int) -> Rewrite:
    """A rewrite with no more parallel calls than that."""
    calls = rewrite.arguments.get(_CALLS, 0)
    if calls <= most:
        return rewrite
    told, instead = f"{_CALLS}={calls}", f"{_CALLS}={most}"
    return dataclasses.replace(
        rewrite,
        arguments={**rewrite.arguments, _CALLS: most},
        edit=rewrite.edit.replace(told, instead),
        reason=rewrite.reason.replace(f"not {calls}", f"not {most}"),
    )
