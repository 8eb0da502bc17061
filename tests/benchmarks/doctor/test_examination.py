import time

import pytest
import tensorflow as tf
from tensorflow.python.data.experimental.ops import testing

from benchmarks import doctor
from benchmarks.doctor.diagnosis import CONSUMER
from tests.benchmarks.doctor.awkward import HARD

SECONDS = 6.0
BY_NAME = {case.name: case for case in HARD}


def heavy(value):
    return tf.reduce_sum(tf.sort(tf.random.stateless_uniform([60_000], (value, 1))))


def light(value):
    return value + 1


def sleeping(value):
    def sleep(each):
        time.sleep(0.01)
        return each

    return tf.py_function(sleep, [value], tf.int64)


def slow_numbers():
    for number in range(1_000_000):
        time.sleep(0.005)
        yield number


def numbers():
    return tf.data.Dataset.range(1_000_000)


def test_the_heavy_stage_is_named_with_its_line():
    def make():
        dataset = numbers().map(light, name="light")
        dataset = dataset.map(heavy, num_parallel_calls=1, name="heavy")
        return dataset.batch(4, name="batch")

    found = doctor.examine(make, seconds=SECONDS)
    assert found.bottleneck == "heavy"
    stage = next(stage for stage in found.stages if stage.name == "heavy")
    assert stage.function == "heavy"
    assert stage.line.startswith("test_examination.py:")
    assert stage.share > 0.8
    assert stage.elements == 4
    assert stage.self_us > 1000
    assert stage.wait_us < stage.self_us / 2
    assert found.elements_per_s > 1
    assert "heavy" in found.verdict
    assert found.as_dict()["stages"][0]["op"] == "RangeDataset"


def test_waiting_is_told_from_working():
    def make():
        return numbers().map(sleeping, name="sleep").batch(2, name="batch")

    found = doctor.examine(make, seconds=SECONDS)
    assert found.bottleneck == "sleep"
    stage = next(stage for stage in found.stages if stage.name == "sleep")
    assert stage.wait_us > 0.8 * stage.self_us
    (first, *_) = found.prescriptions
    assert first.kind == "py_function"
    assert first.measured_gain is None
    assert not first.is_applied_by_tune


def test_a_generator_is_found_behind_its_stage():
    def make():
        made = tf.data.Dataset.from_generator(
            slow_numbers, output_signature=tf.TensorSpec([], tf.int64), name="source"
        )
        return made.map(light, name="light").batch(2, name="batch")

    found = doctor.examine(make, seconds=SECONDS)
    assert found.bottleneck == "source"
    assert found.prescriptions[0].kind == "from_generator"


def test_a_fast_pipeline_is_limited_by_its_consumer():
    found = doctor.examine(lambda: numbers().batch(32), seconds=SECONDS, step_ms=50)
    assert found.bottleneck == CONSUMER
    assert found.prescriptions == ()
    assert "faster than its consumer" in found.verdict


def test_a_pipeline_that_waits_for_its_consumer_is_to_work_ahead():
    def make():
        # Otherwise the runtime works ahead by itself.
        options = tf.data.Options()
        options.autotune.enabled = False
        slow = tf.data.Dataset.range(1000).apply(testing.sleep(20_000)).repeat()
        return slow.with_options(options)

    found = doctor.examine(make, seconds=SECONDS, step_ms=25)
    assert found.bottleneck == CONSUMER
    (ahead,) = found.prescriptions
    assert ahead.kind == "prefetch"
    assert ahead.predicted_gain == pytest.approx(1.8, rel=0.1)
    assert ahead.measured_gain == pytest.approx(1.8, rel=0.25)
    assert ahead.is_applied_by_tune
    assert "each waits for the other. First: prefetch" in found.verdict


def test_the_consumer_is_timed():
    found = doctor.examine(
        lambda: numbers().batch(32), seconds=SECONDS, consumer=lambda _: time.sleep(0.03)
    )
    assert 29 < found.step_ms < 90
    assert found.bottleneck == CONSUMER


def test_a_consumer_leaves_the_dataset_alone(tmp_path):
    path = str(tmp_path / "cache")
    made = numbers().take(60).shuffle(60, seed=1).cache(path).batch(4)
    doctor.examine(made, seconds=5, consumer=lambda _: None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_filter_that_lets_little_through_has_a_rate():
    def make():
        return numbers().repeat().filter(lambda each: each % 10_000 == 9_999, name="rare")

    found = doctor.examine(make, seconds=5)
    assert found.elements_per_s > 0
    assert found.bottleneck


def test_branches_are_walked():
    def make():
        slow = numbers().map(heavy, num_parallel_calls=1, name="slow")
        fast = numbers().map(light, name="fast")
        return tf.data.Dataset.zip((fast, slow)).batch(4, name="batch")

    found = doctor.examine(make, seconds=SECONDS)
    assert found.bottleneck == "slow"
    zipped = next(stage for stage in found.stages if stage.op == "ZipDataset")
    assert len(zipped.inputs) == 2


def test_a_prediction_is_made():
    found = doctor.examine(
        lambda: numbers().map(heavy, num_parallel_calls=tf.data.AUTOTUNE).batch(4),
        seconds=SECONDS,
        accelerator_step_ms=1.0,
        replicas=8,
    )
    assert not found.what_if.keeps_up
    assert found.what_if.service_workers > 8
    assert found.what_if.cores is None or found.what_if.cores > found.cores


FIRST = {
    "infinite",
    "empty",
    "single_element",
    "failing_assertion",
    "failing_python",
    "huge_elements",
    "ragged",
    "rare_stages",
}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case, id=case.name, marks=[] if case.name in FIRST else [pytest.mark.slow]
        )
        for case in HARD
    ],
)
def test_every_pipeline_gets_an_answer(case, tmp_path):
    begin = time.perf_counter()
    found = doctor.examine(case.make(tmp_path), seconds=5)
    assert time.perf_counter() - begin < 60
    assert found.verdict
    if case.fails_at:
        assert found.bottleneck == case.fails_at
        assert "fails" in found.problems[0]
    elif case.name == "empty":
        assert found.elements_per_s == 0
        assert "gives no" in found.problems[0]
    else:
        assert found.elements_per_s > 0
        assert found.bottleneck
    assert found.stages


def test_a_filter_that_lets_nothing_through_gets_an_answer():
    def make():
        return tf.data.Dataset.range(1 << 60).filter(lambda each: each < 0, name="none")

    found = doctor.examine(make, seconds=5)
    assert found.elements_per_s == 0
    assert found.problems


def test_the_users_dataset_is_not_touched():
    made = tf.data.Dataset.range(50).shuffle(50, seed=1)
    other = tf.data.Dataset.range(50).shuffle(50, seed=1)
    doctor.examine(made, seconds=5)
    assert [int(each) for each in made] == [int(each) for each in other]


def test_a_file_cache_is_not_written(tmp_path):
    path = str(tmp_path / "cache")
    doctor.examine(lambda: numbers().take(100).cache(path).batch(5), seconds=5)
    assert list(tmp_path.iterdir()) == []


def test_progress_is_told():
    told = []
    doctor.examine(lambda: numbers().batch(8), seconds=5, advance=told.append)
    assert 1 < sum(told) < 30
    assert all(seconds >= 0 for seconds in told)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"seconds": 1}, "seconds=1 is out of range"),
        ({"step_ms": -1}, "step_ms=-1 is out of range"),
        ({"accelerator_step_ms": 0}, "accelerator_step_ms=0 is out of range"),
        ({"replicas": 0}, "replicas=0: expected"),
    ],
)
def test_numbers_out_of_range_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        doctor.examine(numbers, **given)


@pytest.mark.parametrize("passes", [1, None])
def test_the_pass_that_fills_a_cache_is_not_counted(passes):
    slow_once = tf.data.Dataset.range(60).map(sleeping).cache(name="cache")
    endless = slow_once if passes == 1 else slow_once.repeat()
    found = doctor.examine(endless, seconds=SECONDS)
    # It takes as long as all that is counted at first.
    assert found.element_ms < 2
    assert not found.problems
