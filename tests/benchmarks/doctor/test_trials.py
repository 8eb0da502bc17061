import time

import tensorflow as tf

from benchmarks.doctor import building, catalogue, graphs, parallel_rewrites, trials
from benchmarks.doctor.rewrites import Rewrite

CALLS = {"num_parallel_calls": 4}


def waiting(value):
    def wait(each):
        time.sleep(0.004)
        return each

    return tf.numpy_function(wait, [value], tf.int64)


def pipeline_of(dataset):
    return graphs.read(dataset)


def map_rewrite(pipeline):
    return Rewrite("parallel map", (pipeline.nodes[-1].tag,), CALLS, "", "")


def test_a_gain_is_measured(tmp_path):
    dataset = tf.data.Dataset.range(1 << 40).map(waiting, num_parallel_calls=1)
    pipeline = pipeline_of(dataset)
    rewrite = map_rewrite(pipeline)
    found = trials.run(pipeline, [[rewrite], []], seconds=3, folder=str(tmp_path))
    gain, nothing = found.gains
    assert nothing is None, "what changes nothing is not tried"
    assert 1.2 < gain.least <= gain.median < 6


def test_what_gains_too_little_at_first_has_one_round(tmp_path):
    dataset = tf.data.Dataset.range(1 << 40).map(waiting, num_parallel_calls=2)
    pipeline = pipeline_of(dataset)
    rewrite = map_rewrite(pipeline)
    for least, has_more in ((0.01, True), (100.0, False)):
        found = trials.run(
            pipeline, [[rewrite]], seconds=2, folder=str(tmp_path), least=least
        )
        # How many more, is a matter of time.
        assert (found.gains[0].rounds > 1) == has_more


def test_a_limit_that_is_strict_leaves_time_for_the_first_only(tmp_path):
    dataset = tf.data.Dataset.range(1 << 40).map(waiting, num_parallel_calls=1)
    pipeline = pipeline_of(dataset)
    rewrite = map_rewrite(pipeline)
    for is_strict, tried in ((True, 1), (False, 3)):
        found = trials.run(
            pipeline,
            [[rewrite]] * 3,
            seconds=0.1,
            folder=str(tmp_path),
            is_strict=is_strict,
        )
        assert sum(gain is not None for gain in found.gains) == tried
        assert found.gains[0] is not None


def test_a_cache_that_is_not_filled_in_the_time_has_no_gain(tmp_path):
    pipeline = pipeline_of(tf.data.Dataset.range(5000).map(waiting).repeat())
    rewrite = Rewrite("cache", (pipeline.nodes[1].tag,), {}, "", "")

    def gain(pass_elements):
        found = trials.run(
            pipeline,
            [[rewrite]],
            seconds=1,
            folder=str(tmp_path),
            pass_elements=pass_elements,
        )
        return found.gains[0]

    # It would take ten seconds and more.
    assert gain(5000) is None
    assert gain(2) is not None


def test_a_change_that_fails_has_no_gain(tmp_path, monkeypatch):
    pipeline = pipeline_of(tf.data.Dataset.range(1 << 40).map(waiting))
    rewrite = map_rewrite(pipeline)

    def breaking(given, _):
        def fail(value):
            return tf.debugging.assert_less(value, tf.constant(0, tf.int64))

        def broken(value):
            with tf.control_dependencies([fail(value)]):
                return tf.identity(value)

        return graphs.read(building.build(given).map(lambda each: broken(each)))

    monkeypatch.setattr(parallel_rewrites, "apply", breaking)
    assert catalogue.parallel_rewrites.apply is breaking
    found = trials.run(pipeline, [[rewrite]], seconds=1, folder=str(tmp_path))
    assert found.gains == (None,)


def test_a_pipeline_that_fails_has_none(tmp_path):
    empty = pipeline_of(tf.data.Dataset.range(0).map(waiting))
    rewrite = map_rewrite(empty)
    found = trials.run(empty, [[rewrite]], seconds=1, folder=str(tmp_path))
    assert found.gains == (None,)
