import errno
import itertools
import os

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import dotmotion_tfds
from dotmotion_tfds import ClipSpec, SpecError, clip_file
from tests.conftest import SMALL_SPEC
from tests.dotmotion_tfds import golden


def assert_same_batches(found, expected):
    found, expected = list(found), list(expected)
    assert len(found) == len(expected)
    for left, right in zip(found, expected, strict=True):
        assert left.keys() == right.keys()
        for name in left:
            assert left[name].dtype == right[name].dtype
            np.testing.assert_array_equal(left[name], right[name])


@pytest.mark.parametrize(("config", "split"), golden.SHA256)
def test_clips_are_the_pinned_ones(config, split):
    found = golden.digest(
        {
            name: value.numpy()
            for name, value in dotmotion_tfds.clips(block, split, config).items()
        }
        for block in golden.blocks(config)
    )
    assert found == golden.SHA256[config, split]


def test_a_batch_has_the_documented_features():
    spec = dotmotion_tfds.stream(batch_size=8).element_spec
    assert spec == {
        "video": tf.TensorSpec((8, 20, 50, 130, 1), tf.uint8),
        "label": tf.TensorSpec((8,), tf.int64),
        "centers": tf.TensorSpec((8, 20, 2), tf.int32),
        "index": tf.TensorSpec((8,), tf.int64),
    }
    video, label = dotmotion_tfds.stream(batch_size=8, as_supervised=True).element_spec
    assert (video, label) == (spec["video"], spec["label"])


@given(
    step=st.integers(0, 2**30),
    batch_size=st.integers(1, 6),
    split=st.sampled_from(["train", "test"]),
    seed=st.integers(0, 2**63 - 1),
)
@settings(max_examples=10, deadline=None)
def test_streamed_clips_are_the_clips_of_their_indices(step, batch_size, split, seed):
    options = {"config": SMALL_SPEC, "seed": seed}
    batch = next(
        iter(
            dotmotion_tfds.stream(split, batch_size=batch_size, start_step=step, **options)
        )
    )
    expected = step * batch_size + np.arange(batch_size)
    np.testing.assert_array_equal(batch["index"], expected)
    assert_same_batches([batch], [dotmotion_tfds.clips(expected, split, **options)])


def test_numpy_integers_are_as_good_as_pythons():
    options = {"seed": np.int64(3), "batch_size": np.uint8(200), "start_step": np.int32(1)}
    found = dotmotion_tfds.stream(config=SMALL_SPEC, epochs=np.int64(2), **options)
    plain = {name: int(value) for name, value in options.items()}
    expected = dotmotion_tfds.stream(config=SMALL_SPEC, epochs=2, **plain)
    assert_same_batches(found.take(1), expected.take(1))


def test_an_endless_stream_is_infinite_and_passes_are_finite():
    assert dotmotion_tfds.stream().cardinality() == tf.data.INFINITE_CARDINALITY
    passes = dotmotion_tfds.stream(config="notebook", epochs=3)
    assert passes.cardinality() == 9
    late = dotmotion_tfds.stream(config="notebook", epochs=3, start_step=9)
    assert late.cardinality() == 0


@pytest.mark.parametrize("cache", ["memory", "file"])
@pytest.mark.parametrize("shard", [(0, 1), (1, 2)])
def test_a_cache_changes_nothing(cache, shard, tmp_path):
    options = {
        "config": "notebook",
        "batch_size": 32,
        "epochs": 2,
        "start_step": 1,
        "shard": shard,
        "seed": 3,
    }
    place = "memory" if cache == "memory" else tmp_path / "clips"
    cached = dotmotion_tfds.stream("test", cache=place, **options)
    plain = list(dotmotion_tfds.stream("test", **options))
    assert_same_batches(cached, plain)
    assert_same_batches(cached, plain)


def test_a_cache_on_file_serves_no_other_options(tmp_path):
    for seed, config in itertools.product(
        [0, 1], [SMALL_SPEC, ClipSpec(frames=5, noise=0)]
    ):
        options = {"config": config, "seed": seed, "batch_size": 50, "epochs": 1}
        cached = dotmotion_tfds.stream(cache=tmp_path, **options).take(1)
        assert_same_batches(cached, dotmotion_tfds.stream(**options).take(1))


def test_clips_work_inside_graphs_and_under_xla():
    indices = [7, 0, 7, 2**40]
    expected = dotmotion_tfds.clips(indices, config=SMALL_SPEC)

    def make(values):
        return dotmotion_tfds.clips(values, config=SMALL_SPEC)

    signature = [tf.TensorSpec([None], tf.int64)]
    for function in (
        tf.function(make, input_signature=signature),
        tf.function(make, jit_compile=True),
    ):
        assert_same_batches([function(tf.constant(indices, tf.int64))], [expected])


def test_no_clips_are_an_empty_batch():
    assert dotmotion_tfds.clips([])["video"].shape == (0, 20, 50, 130, 1)


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([3, -1], "index -1 is negative"),
        ([2**63 + 5], "index 9223372036854775813 is too large"),
        (np.array([2**64 - 1], np.uint64), "is too large: clips are numbered below 2"),
        ([0.5], "type float64: expected a vector of integers"),
        (3, r"shape \(\)"),
        ([[1, 2]], r"shape \(1, 2\)"),
    ],
)
def test_what_is_not_an_index_is_refused(indices, message):
    with pytest.raises(SpecError, match=message):
        dotmotion_tfds.clips(indices)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "valid"}, "unknown split 'valid'"),
        ({"config": "none"}, "unknown config 'none'"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": 5, "shard": (0, 2)}, "not divisible by 2 shards"),
        ({"start_step": -1}, "start_step=-1"),
        ({"epochs": -1}, "epochs=-1"),
        ({"seed": -1}, "seed=-1"),
        ({"cache": "memory"}, "without epochs"),
        ({"cache": "", "epochs": 1}, "cache='' is empty"),
        ({"start_step": 2**62}, "start_step="),
        ({"batch_size": np.array([1, 2])}, "batch_size="),
    ],
)
def test_options_out_of_range_are_named(options, message):
    with pytest.raises(SpecError, match=message) as caught:
        dotmotion_tfds.stream(**options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_without_room_for_a_cache_clips_are_made_anew(
    tmp_path, monkeypatch, caplog, number
):
    def fail(*_args, **_options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(clip_file, "write_if_missing", fail)
    options = {"config": "notebook", "batch_size": 24, "epochs": 2, "start_step": 3}
    stream = dotmotion_tfds.stream("test", cache=tmp_path, **options)
    assert_same_batches(stream, dotmotion_tfds.stream("test", **options))
    assert "no room for a cache of 10400000 bytes" in caplog.text


def test_a_cache_that_can_not_be_written_otherwise_is_an_error(tmp_path, monkeypatch):
    def fail(*_args, **_options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(clip_file, "write_if_missing", fail)
    with pytest.raises(PermissionError):
        dotmotion_tfds.stream(cache=tmp_path, epochs=1)
