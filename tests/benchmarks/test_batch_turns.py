"""The turns that ask pipelines for batches, with a clock of its own and planted faults."""

import itertools

import numpy as np
import pytest

from benchmarks import batch_turns
from benchmarks.arms import WrongWorkError
from benchmarks.batch_turns import ANY_ORDER, IN_ORDER, NO_INDEX, Expected, turn_of
from dotmotion_tfds import elements
from dotmotion_tfds.arrays import NUMPY
from dotmotion_tfds.configs import CONFIGS

SIZE = 4


def batch_of(indices):
    spec = CONFIGS["standard"].spec
    indices = np.asarray(indices, np.int64)
    return elements.render_clips(NUMPY, spec, indices, split="train", seed=0)


def fresh():
    for step in itertools.count():
        yield batch_of(range(step * SIZE, (step + 1) * SIZE))


def passes(num_batches):
    kept = list(itertools.islice(fresh(), num_batches))
    return itertools.cycle(kept)


class Clock:
    """Goes on when it is told to."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def ticking(self, batches, seconds_each):
        for seconds, batch in zip(seconds_each, batches, strict=False):
            self.now += seconds
            yield batch


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(batch_turns, "_wait_until_idle", lambda: None)


def run(make, order=IN_ORDER, *, pass_clips=None, turns=2, seconds=0.01):
    expected = Expected(SIZE, order, pass_clips)
    turn = turn_of(make, expected, seconds=seconds)
    return [turn() for _ in range(turns)][-1]


def test_the_time_is_that_of_one_batch_and_starts_when_batches_flow():
    clock = Clock()
    # The first one, 0.5 s for two that are not counted, and 0.1 s each from then on.
    seconds = itertools.chain([7.0, 0.2, 0.3], itertools.repeat(0.1))
    turn = turn_of(
        lambda: clock.ticking(fresh(), seconds), Expected(SIZE), seconds=0.95, clock=clock
    )
    work = turn()
    assert work.count == SIZE
    assert work.seconds == pytest.approx(0.1)
    assert work.notes["delivered_bytes_per_clip"] > 130_000


def test_a_cold_start_is_not_counted():
    """Of a source that gives ten batches at once and then one in 0.1 s."""
    clock = Clock()
    seconds = itertools.chain([0.0] * 10, itertools.repeat(0.1))
    turn = turn_of(
        lambda: clock.ticking(fresh(), seconds), Expected(SIZE), seconds=1.0, clock=clock
    )
    assert turn().seconds == pytest.approx(0.1)


def test_batches_that_are_slow_now_and_then_count_by_their_mean():
    clock = Clock()
    seconds = itertools.cycle([0.05, 0.15])
    turn = turn_of(
        lambda: clock.ticking(fresh(), seconds), Expected(SIZE), seconds=2.0, clock=clock
    )
    assert turn().seconds == pytest.approx(0.1, rel=0.03)


@pytest.mark.parametrize(
    ("make", "order", "pass_clips"),
    [
        (fresh, IN_ORDER, None),
        (fresh, ANY_ORDER, None),
        (lambda: passes(3), IN_ORDER, 3 * SIZE),
        (lambda: itertools.cycle([batch_of([3, 1, 0, 2])]), ANY_ORDER, SIZE),
    ],
)
def test_right_batches_pass(make, order, pass_clips):
    assert run(make, order, pass_clips=pass_clips).count == SIZE


def dropped():
    return (batch for number, batch in enumerate(fresh()) if number != 2)


def swapped():
    for batch in fresh():
        yield {name: value[::-1] for name, value in batch.items()}


def of_another_seed():
    spec = CONFIGS["standard"].spec
    for step in itertools.count():
        indices = np.arange(step * SIZE, (step + 1) * SIZE)
        yield elements.render_clips(NUMPY, spec, indices, split="train", seed=1)


def with_a_wrong_pixel():
    for batch in fresh():
        batch["video"][:, 7, 11, 13] ^= 1
        yield batch


def short():
    for batch in fresh():
        yield {name: value[:3] for name, value in batch.items()}


def once_more():
    for number, batch in enumerate(fresh()):
        if number % 3 == 2:
            yield batch
        yield batch


def without_index(batches):
    for batch in batches:
        yield {name: value for name, value in batch.items() if name != "index"}


@pytest.mark.parametrize(
    ("make", "order", "message"),
    [
        (lambda: [], IN_ORDER, "the pipeline gave nothing"),
        (lambda: itertools.islice(fresh(), 3), IN_ORDER, "ended after 3 batches"),
        (dropped, IN_ORDER, "batch 2 has clips 12 to 15, expected 8 to 11"),
        (swapped, IN_ORDER, "batch 0 has clips 3 to 0, expected 0 to 3"),
        (lambda: passes(2), IN_ORDER, "batch 2 has clips 0 to 3, expected 8 to 11"),
        (lambda: passes(2), ANY_ORDER, "clip 0 came 2 times in 3 batches, expected 1"),
        (once_more, ANY_ORDER, "clip 8 came 2 times"),
        (of_another_seed, IN_ORDER, "batch 0, row 0: wrong frames"),
        (with_a_wrong_pixel, ANY_ORDER, "wrong frames"),
        (short, IN_ORDER, "batch 0 has 3 clips of 4"),
        (
            lambda: without_index(passes(2)),
            NO_INDEX,
            "batch 8 has a clip that came before",
        ),
        (lambda: without_index(with_a_wrong_pixel()), NO_INDEX, "wrong frames"),
    ],
)
def test_planted_faults_are_seen(make, order, message):
    with pytest.raises(WrongWorkError, match=message):
        run(make, order, turns=20)


def test_a_cached_pass_is_no_fresh_clips_but_a_pass():
    assert run(lambda: passes(2), pass_clips=2 * SIZE).count == SIZE
    with pytest.raises(WrongWorkError, match="expected 8 to 11"):
        run(lambda: passes(2), pass_clips=3 * SIZE)


def test_float_pixels_are_checked_too():
    def floats(divisor):
        for batch in fresh():
            yield {**batch, "video": batch["video"].astype(np.float32) / divisor}

    expected = Expected(SIZE, is_float=True)
    for_right = turn_of(lambda: floats(np.float32(255)), expected, seconds=0.01)
    assert for_right().count == SIZE
    for_wrong = turn_of(lambda: floats(np.float32(256)), expected, seconds=0.01)
    with pytest.raises(WrongWorkError, match="wrong frames"):
        for_wrong()
