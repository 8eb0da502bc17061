"""The protocol of every comparison: alternating arms, each in a process of its own.

Arms take turns, every other round the other way round (A B C, C B A, ...): what slows the
machine for a while slows all of them, and no arm always comes after the same other one,
whose traces in caches and clock rates it would feel. Ratios are taken within a round.
Processors of a shared machine are faster and slower for about a second at a time, so a
round can be many short turns of each arm instead of a long one.
Two processes of one program can differ for as long as they live, by where their memory
happens to lie; an arm can have several, which take its turns one after the other, and new
ones in every round (after Kalibera and Jones, "Rigorous benchmarking in reasonable time",
2013: repeat at the level where results vary).
The first rounds warm up and are not counted; new processes do so by turns of their own.
Every turn reports what it did; turns that did different work are an error, not a figure.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.arms import Arm, Running, Work, WrongWorkError, end, start

# Of each new process, before those that are counted.
_FIRST_TURNS = 2


@dataclasses.dataclass(frozen=True)
class Samples:
    """What an arm's turns took.

    Attributes:
      count: items a turn.
      checksum: what the turns agreed on.
      seconds: of a turn, the mean of each counted round, in order.
      notes: the median of each over the counted rounds.
      turns: seconds of every turn of each counted round, in order.
    """

    count: int
    checksum: int
    seconds: tuple[float, ...]
    notes: Mapping[str, float] = dataclasses.field(default_factory=dict)
    turns: tuple[tuple[float, ...], ...] = ()

    @property
    def rates(self) -> tuple[float, ...]:
        """Items per second of each round."""
        return tuple(self.count / seconds for seconds in self.seconds)

    @property
    def drift(self) -> float:
        """Time of the later half of the rounds over that of the earlier half, medians.

        Around 1 in a steady state. NaN below four rounds.
        """
        half = len(self.seconds) // 2
        if half < 2:
            return float("nan")
        later = statistics.median(self.seconds[-half:])
        return later / statistics.median(self.seconds[:half])

    def summary(self, unit: str) -> dict[str, Any]:
        """Median, extremes and spread of the rates, for a result file.

        Args:
          unit: what the items are called, such as "clips".
        """
        rates = self.rates
        middle = statistics.median(rates)
        return {
            f"{unit}": self.count,
            f"{unit}_per_s": round(middle, 1),
            f"{unit}_per_s_min": round(min(rates), 1),
            f"{unit}_per_s_max": round(max(rates), 1),
            "spread": round((max(rates) - min(rates)) / middle, 3),
            "drift": round(self.drift, 3) if len(rates) >= 4 else None,
            "repeats": len(rates),
        }


def compare(
    arms: Sequence[Arm],
    *,
    repeats: int,
    warmups: int = 1,
    order: Sequence[str] | None = None,
    at_once: int = 1,
    advance: Callable[[str], Any] = lambda name: None,
) -> dict[str, Samples]:
    """Runs the arms in turns.

    Args:
      arms: at least one, with names of their own.
      repeats: rounds that are counted, at least 1.
      warmups: rounds before them, at least 1.
      order: of the turns of a round, by the names of the arms, of which each has at least
        one; None for one turn each. Every other round goes the other way round. An arm of
        several processes has as many turns or a multiple. An arm that is renewed has none
        in the rounds that warm up; its new processes have turns before each of the others
        that are not counted.
      at_once: how many processes are started at a time; one, if what they note of their
        start is to mean anything.
      advance: called with the arm's name after each turn of a round, and in its place
        where an arm has none.

    Returns:
      The samples of each arm by name.

    Raises:
      WrongWorkError: if an arm does nothing, or other work than the arms of its group or
        than in its other turns.
      MeasureError: if an arm fails.
    """
    names = [arm.name for arm in arms]
    order = names if order is None else list(order)
    has_names = names and len(set(names)) == len(names) and set(names) == set(order)
    if not has_names or repeats < 1 or warmups < 1:
        raise ValueError(f"{names=}, {order=}, {repeats=}, {warmups=}")
    for arm in arms:
        if arm.processes < 1 or order.count(arm.name) % arm.processes:
            raise ValueError(
                f"{order.count(arm.name)} turns of {arm.name} in {arm.processes} processes"
            )
    running = _at_home(arms)
    lasting = [each for each in running if not each.is_renewed]
    renewed = [each for each in running if each.is_renewed]
    of_arm = {arm.name: each for each in running for arm in each.arms}
    turns: dict[str, list[Work]] = {name: [] for name in names}
    uncounted: dict[str, list[Work]] = {name: [] for name in names}
    try:
        start(lasting, at_once=at_once)
        for number in range(warmups + repeats):
            if number >= warmups:
                end(renewed)
                # Who starts first is another in the next round.
                renewed.reverse()
                start(renewed, at_once=at_once)
                for each in renewed * _FIRST_TURNS:
                    for arm in each.arms:
                        works = [each.turn(arm.name) for _ in range(each.processes)]
                        uncounted[arm.name] += works
            for name in reversed(order) if number % 2 else order:
                if number >= warmups or not of_arm[name].is_renewed:
                    turns[name].append(of_arm[name].turn(name))
                advance(name)
    finally:
        end(running)
    _require_equal_work(arms, {name: turns[name] + uncounted[name] for name in names})
    return {
        name: _samples(works[-repeats * order.count(name) :], order.count(name))
        for name, works in turns.items()
    }


def _at_home(arms: Sequence[Arm]) -> list[Running]:
    """The processes of each home, and of each arm that has none."""
    homes: dict[tuple[str, str], list[Arm]] = {}
    for arm in arms:
        homes.setdefault((arm.home, "" if arm.home else arm.name), []).append(arm)
    return [Running(*of_home) for of_home in homes.values()]


def _samples(works: Sequence[Work], turns: int) -> Samples:
    """Of what an arm did in the rounds that count, with so many turns in each."""
    starts = range(0, len(works), turns)
    rounds = [works[start : start + turns] for start in starts]
    first = rounds[0][0]
    seconds = tuple(tuple(work.seconds or 0.0 for work in works) for works in rounds)
    return Samples(
        count=first.count,
        checksum=first.checksum,
        seconds=tuple(map(statistics.fmean, seconds)),
        notes=_medians([_medians([work.notes for work in works]) for works in rounds]),
        turns=seconds,
    )


def ratio(samples: Mapping[str, Samples], left: str, right: str) -> dict[str, Any]:
    """How many times the rate of `right` the rate of `left` is, round by round.

    Of arms with equally many turns in a round, the ratio is the median over the geometric
    means of pairs of their turns, the first of one with the first of the other. Turns of a
    tenth of a second that were interrupted took up to forty times as long, so that the
    ratio of means varied by 7 % where this varied by 0.7 %. Those of all rounds are taken
    together: where most of a round was disturbed, its own median was off by a tenth.

    Returns:
      `ratio`, of all turns, or `ratio_of_rounds` where a round has one; the least and
      greatest ratio of a single round.
    """
    one, other = samples[left], samples[right]
    turns = list(map(len, one.turns))
    if turns and min(turns) > 1 and turns == list(map(len, other.turns)):
        of_rounds = [
            _ratios(one, other, of_one, of_other)
            for of_one, of_other in zip(one.turns, other.turns, strict=True)
        ]
        ratios = [_middle(of_round) for of_round in of_rounds]
        middle = _middle([ratio for of_round in of_rounds for ratio in of_round])
    else:
        ratios = _ratios(one, other, one.seconds, other.seconds)
        middle = ratio_of_rounds(ratios)
    return {
        "ratio": round(middle, 3),
        "ratio_min": round(min(ratios), 3),
        "ratio_max": round(max(ratios), 3),
    }


def ratio_of_rounds(ratios: Sequence[float]) -> float:
    """The ratio that those of single rounds show, of which every other goes the other way.

    The geometric mean of one of either kind is free of what an arm gains by its place, and
    of a machine that slows down steadily: with an odd number of rounds, the median of
    single ones was not, by 3 %. The median over all such pairs (after Hodges and Lehmann,
    "Estimates of location based on rank tests", 1963) varies a tenth less than over pairs
    of neighbours, in a simulation of normal noise with 7 to 24 rounds.

    Args:
      ratios: of each round in order, at least one.
    """
    pairs = [math.sqrt(even * odd) for even in ratios[::2] for odd in ratios[1::2]]
    return statistics.median(pairs or ratios)


def _ratios(
    one: Samples, other: Samples, of_one: Sequence[float], of_other: Sequence[float]
) -> list[float]:
    """Rates of one over those of another, from their seconds."""
    return [
        (one.count / left) / (other.count / right)
        for left, right in zip(of_one, of_other, strict=True)
    ]


def _middle(ratios: Sequence[float]) -> float:
    """The median of the geometric means of all pairs, each with itself too."""
    pairs = itertools.combinations_with_replacement(ratios, 2)
    return statistics.median(math.sqrt(one * other) for one, other in pairs)


def _medians(notes: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {
        name: round(statistics.median(each[name] for each in notes), 6) for name in notes[0]
    }


def _require_equal_work(arms: Sequence[Arm], turns: Mapping[str, Sequence[Work]]) -> None:
    expected: dict[str, tuple[str, Work]] = {}
    for arm in arms:
        for work in turns[arm.name]:
            if work.count < 1:
                raise WrongWorkError(
                    f"{arm.name} did nothing: a turn had {work.count} items"
                )
            group = arm.group or arm.name
            name, first = expected.setdefault(group, (arm.name, work))
            if (first.count, first.checksum) != (work.count, work.checksum):
                raise WrongWorkError(
                    f"{arm.name} did other work than {name}: {work.count} items with "
                    f"checksum {work.checksum}, expected {first.count} with "
                    f"{first.checksum}"
                )
