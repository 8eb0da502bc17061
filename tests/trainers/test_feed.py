import numpy as np
import pytest
import tensorflow as tf

import dotmotion_tfds
from tests.conftest import SMALL_JSON, SMALL_SPEC, mirrored
from trainers import feed
from trainers.options import OptionsError, resolve_options


def make_options(**given):
    return resolve_options(**{"config": SMALL_JSON, "batch_size": 6, **given})


def rows_of(dataset, count):
    batches = [batch["index"].numpy() for batch in dataset.take(count)]
    return np.concatenate(batches)


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 13])
def test_pieces_of_a_batch_are_its_rows_in_order(parts):
    stream = dotmotion_tfds.stream(config="notebook", batch_size=11, epochs=1)
    whole = [batch["video"].numpy() for batch in stream]
    split = feed.split_rows(stream.map(feed.with_weights), parts)
    pieces = [batch["video"].numpy()[batch["weight"] == 1] for batch in split]
    assert all(len(batch["label"]) for batch in split), "Keras fails on a batch of no rows"
    assert len(pieces) == parts * len(whole)
    for number, video in enumerate(whole):
        together = np.concatenate(pieces[parts * number : parts * (number + 1)])
        np.testing.assert_array_equal(together, video)


def test_a_pass_that_leaves_a_worker_without_rows_is_refused():
    options = make_options(config="notebook", data="cache", batch_size=79 * 2)
    assert options.config.split_size("train") == 80
    feed.train_batches(options, start_step=0, shard=(0, 2))
    options = make_options(config="notebook", data="cache", batch_size=78)
    with pytest.raises(OptionsError, match="leaves 2 clips"):
        feed.train_batches(options, start_step=0, shard=(0, 3))


@pytest.mark.parametrize("data", ["stream", "cache"])
def test_two_replicas_get_the_batch_of_one_bit_for_bit(data):
    options = make_options(data=data)

    def make_shard(shard):
        return feed.train_batches(options, start_step=3, shard=shard).take(4)

    found = []
    for replicas in (1, 2):
        strategy = mirrored(replicas)
        batches = [
            {
                name: np.concatenate(strategy.experimental_local_results(value))
                for name, value in batch.items()
            }
            for batch in feed.distribute(strategy, make_shard)
        ]
        found.append(batches)
    assert len(found[0]) == len(found[1]) == 4
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one["video"], two["video"])
        np.testing.assert_array_equal(one["label"], two["label"])


def test_the_built_and_the_cached_split_come_in_the_same_order(tmp_path):
    common = {"config": "notebook", "batch_size": 32}
    cached = feed.train_batches(make_options(data="cache", **common), start_step=2)
    built_options = make_options(data="tfds", data_dir=tmp_path, **common)
    built = feed.train_batches(built_options, start_step=2)
    np.testing.assert_array_equal(rows_of(built, 5), rows_of(cached, 5))
    assert len(rows_of(cached, 4)) == 16 + 32 + 32 + 16


def test_fresh_clips_never_repeat():
    found = rows_of(feed.train_batches(make_options(), start_step=0), 50)
    np.testing.assert_array_equal(found, np.arange(300))


@pytest.mark.parametrize("num_clips", [1, 7, 12])
@pytest.mark.parametrize("shard", [(0, 1), (0, 2), (1, 2)])
def test_evaluation_takes_the_first_test_clips(num_clips, shard):
    options = make_options(eval_clips=num_clips, seed=5)
    batches = list(feed.eval_batches(options, batch_size=5, shard=shard))
    found = np.concatenate([batch["index"][batch["weight"] == 1] for batch in batches])
    if shard == (0, 1):
        np.testing.assert_array_equal(found, np.arange(num_clips))
    for batch in batches:
        expected = dotmotion_tfds.clips(batch["index"], "test", SMALL_SPEC, seed=5)
        np.testing.assert_array_equal(batch["video"], expected["video"])


def test_shards_of_the_evaluation_together_are_all_its_clips():
    options = make_options(eval_clips=13)
    found = [
        batch["index"][batch["weight"] == 1].numpy()
        for part in range(3)
        for batch in feed.eval_batches(options, batch_size=6, shard=(part, 3))
    ]
    assert sorted(np.concatenate(found)) == list(range(13))


def test_evaluation_on_the_built_dataset_takes_its_first_test_clips(tmp_path):
    options = make_options(data="tfds", data_dir=tmp_path, config="notebook", eval_clips=9)
    batches = list(feed.eval_batches(options, batch_size=4))
    found = np.concatenate([batch["index"] for batch in batches])
    np.testing.assert_array_equal(found, np.arange(9))
    expected = dotmotion_tfds.clips(range(4), "test", "notebook")
    np.testing.assert_array_equal(batches[0]["video"], expected["video"])


def small_shard(shard):
    del shard
    return dotmotion_tfds.stream(config=SMALL_SPEC, batch_size=4).map(feed.with_weights)


@pytest.mark.parametrize("replicas", [1, 2])
def test_no_iterator_waits_for_tuning_when_it_ends(replicas, monkeypatch):
    tuned = []
    iterate = tf.data.Dataset.__iter__

    def recorded(dataset):
        tuned.append(dataset.options().autotune.enabled)
        return iterate(dataset)

    monkeypatch.setattr(tf.data.Dataset, "__iter__", recorded)
    batches = feed.iterate(feed.distribute(mirrored(replicas), small_shard))
    assert tuned == [False] * replicas
    assert set(next(batches)) == {"video", "label", "weight"}
    if replicas > 1:
        iter(feed.distribute(mirrored(replicas), small_shard))
        assert tuned[replicas:] == [None] * replicas, "iterators of others are left alone"


def test_one_cpu_is_fed_by_an_ordinary_dataset():
    for strategy in (mirrored(1), tf.distribute.OneDeviceStrategy("/cpu:0")):
        assert isinstance(feed.distribute(strategy, small_shard), tf.data.Dataset)
    spread = feed.distribute(mirrored(2), small_shard)
    assert isinstance(spread, tf.distribute.DistributedDataset)


@pytest.mark.parametrize("data", ["stream", "cache"])
def test_the_clips_of_a_step_are_known_without_making_them(data):
    options = make_options(data=data, config="notebook", batch_size=32, seed=4)
    batches = feed.train_batches(options, start_step=0).take(7)
    for step, batch in enumerate(batches):
        np.testing.assert_array_equal(feed.train_indices(options, step), batch["index"])
