"""Ways that people write to feed the moving-dot clips of config `standard`.

All but the notebook's loop, whose clips are random, give the same clips: clip k of a pass
has index k. So each can be checked, and none can be faster by doing less.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import dotmotion_tfds
from benchmarks import batch_turns
from benchmarks.batch_turns import ANY_ORDER, IN_ORDER, NO_INDEX, Place
from benchmarks.loop_builder import loop_clip
from dotmotion_tfds import configs, elements, motion
from dotmotion_tfds.arrays_tensorflow import TENSORFLOW
from dotmotion_tfds.configs import NamedConfig
from dotmotion_tfds.moving_dot.moving_dot_dataset_builder import Builder

_SPEC = configs.CONFIGS["standard"].spec
_AUTO = tf.data.AUTOTUNE
_NO_POOL = {"TF_ENABLE_ONEDNN_OPTS": "0"}
Batch = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Pipeline:
    """One way to feed clips.

    Attributes:
      about: what it does, in a few words.
      make: makes the dataset, or any iterable of batches.
      order: which clips come when, as in `batch_turns.Expected`.
      repeats: whether clips come again after `num_clips`.
      is_float: whether pixels are float32.
      env: environment variables to set before TensorFlow is there.
    """

    about: str
    make: Callable[[Place], Any]
    order: str = IN_ORDER
    repeats: bool = False
    is_float: bool = False
    env: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def expected(self, place: Place) -> batch_turns.Expected:
        """The batches that it should give."""
        return batch_turns.Expected(
            batch_size=place.batch_size,
            order=self.order,
            pass_clips=place.num_clips if self.repeats else None,
            is_float=self.is_float,
        )


# --- Clips made as they are asked for -------------------------------------------------


def _loop_clips() -> Iterator[Batch]:
    random = np.random.RandomState(0)
    label = 0
    while True:
        video, centers = loop_clip(random, label)
        yield {"video": video, "label": np.int64(label), "centers": centers}
        label = (label + 1) % motion.NUM_CLASSES


def _loop_alone(place: Place) -> Iterator[Batch]:
    clips = _loop_clips()
    while True:
        rows = [next(clips) for _ in range(place.batch_size)]
        yield {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _loop_from_generator(place: Place) -> tf.data.Dataset:
    signature = {
        "video": tf.TensorSpec(_SPEC.video_shape, tf.uint8),
        "label": tf.TensorSpec((), tf.int64),
        "centers": tf.TensorSpec((_SPEC.frames, 2), tf.int32),
    }
    dataset = tf.data.Dataset.from_generator(_loop_clips, output_signature=signature)
    return dataset.batch(place.batch_size).prefetch(_AUTO)


def _per_clip_map(place: Place) -> tf.data.Dataset:
    def make_clip(index: tf.Tensor) -> Batch:
        batch = _gathered_rows(index[tf.newaxis])
        return {name: value[0] for name, value in batch.items()}

    dataset = tf.data.Dataset.counter().map(make_clip, num_parallel_calls=_AUTO)
    return dataset.batch(place.batch_size).prefetch(_AUTO)


def _broadcast(indices: tf.Tensor) -> Batch:
    """Every pixel compared with the dot's edges."""
    batch = elements.describe_clips(TENSORFLOW, _SPEC, indices, split="train", seed=0)
    centers = batch["centers"][:, :, :, tf.newaxis]
    half = _SPEC.dot_size // 2
    rows = tf.range(_SPEC.height) - centers[:, :, 0]
    columns = tf.range(_SPEC.width) - centers[:, :, 1]
    rows = (rows >= -half) & (rows < half)
    columns = (columns >= -half) & (columns < half)
    lit = rows[..., tf.newaxis] & columns[:, :, tf.newaxis]
    return {**batch, "video": tf.cast(lit, tf.uint8)[..., tf.newaxis] * 255}


def _gathered_rows(indices: tf.Tensor) -> Batch:
    return elements.render_clips(TENSORFLOW, _SPEC, indices, split="train", seed=0)


def _vectorised(
    make: Callable[[tf.Tensor], Batch], *, prefetch: bool = True
) -> Callable[[Place], tf.data.Dataset]:
    def dataset_of(place: Place) -> tf.data.Dataset:
        def make_batch(step: tf.Tensor) -> Batch:
            first = step * place.batch_size
            return make(first + tf.range(place.batch_size, dtype=tf.int64))

        dataset = tf.data.Dataset.counter().map(make_batch, num_parallel_calls=_AUTO)
        return dataset.prefetch(_AUTO) if prefetch else dataset

    return dataset_of


def _stream(place: Place, **options: Any) -> tf.data.Dataset:
    return dotmotion_tfds.stream("train", batch_size=place.batch_size, **options)


def _stream_as_float(place: Place) -> tf.data.Dataset:
    def as_float(batch: Batch) -> Batch:
        return {**batch, "video": tf.cast(batch["video"], tf.float32) / 255.0}

    return _stream(place).map(as_float, num_parallel_calls=_AUTO).prefetch(_AUTO)


def _stream_in_any_order(place: Place) -> tf.data.Dataset:
    options = tf.data.Options()
    options.deterministic = False
    return _vectorised(_gathered_rows)(place).with_options(options)


def _stream_with_private_threads(place: Place) -> tf.data.Dataset:
    options = tf.data.Options()
    options.threading.private_threadpool_size = 2
    options.threading.max_intra_op_parallelism = 1
    return _stream(place).with_options(options)


def _data_service(place: Place) -> Iterator[Batch]:
    service = tf.data.experimental.service
    dispatcher = service.DispatchServer()
    address = dispatcher.target.partition("://")[2]
    worker = service.WorkerServer(service.WorkerConfig(dispatcher_address=address))
    dataset = _stream(place).apply(
        service.distribute(service.ShardingPolicy.OFF, service=dispatcher.target)
    )
    # The servers live as long as somebody holds them.
    yield from _while_held(dataset, dispatcher, worker)


def _while_held(dataset: tf.data.Dataset, *servers: Any) -> Iterator[Batch]:
    assert servers
    yield from dataset


# --- Clips kept in memory or in a file ------------------------------------------------


def _pass(place: Place) -> tf.data.Dataset:
    return _stream(place).take(place.num_clips // place.batch_size)


def _cache_of_clips(place: Place, path: str = "") -> tf.data.Dataset:
    dataset = _pass(place).unbatch().cache(path).repeat()
    return dataset.batch(place.batch_size).prefetch(_AUTO)


def _cache_of_batches(place: Place, path: str = "") -> tf.data.Dataset:
    return _pass(place).cache(path).repeat().prefetch(_AUTO)


def _snapshot(place: Place) -> tf.data.Dataset:
    dataset = _pass(place).snapshot(str(place.folder / "snapshot"), compression=None)
    return dataset.repeat().prefetch(_AUTO)


def _stream_with_cache(place: Place, cache: str) -> tf.data.Dataset:
    config = dataclasses.replace(
        configs.CONFIGS["standard"],
        name="benchmark",
        split_sizes={"train": place.num_clips, "test": 4},
    )
    return _stream(place, config=config, epochs=1 << 20, cache=cache)


# --- Clips stored as a dataset --------------------------------------------------------


def stored_config(encoding: str, num_clips: int) -> NamedConfig:
    """Clips of `standard` in one encoding."""
    return NamedConfig(
        name=f"benchmark_{encoding}",
        spec=_SPEC,
        description=f"Clips of standard, stored as {encoding}.",
        split_sizes={"train": num_clips, "test": 4},
        encoding=encoding,
    )


def built(place: Place, encoding: str, file_format: str) -> Any:
    """The builder of a dataset that is built in the place's folder, if it is missing."""
    builder = Builder(
        config=stored_config(encoding, place.num_clips),
        data_dir=str(place.folder),
        file_format=file_format,
    )
    builder.download_and_prepare()
    return builder


def _tfrecords(encoding: str) -> Callable[[Place], tf.data.Dataset]:
    def dataset_of(place: Place) -> tf.data.Dataset:
        builder = built(place, encoding, "tfrecord")
        # Otherwise what was read once comes from memory.
        config = tfds.ReadConfig(try_autocache=False)
        dataset = builder.as_dataset(split="train", read_config=config)
        dataset = dataset.repeat().batch(place.batch_size)
        if encoding == "trajectories":
            named = builder.builder_config.named
            dataset = dataset.map(
                lambda batch: dotmotion_tfds.render(batch, named),
                num_parallel_calls=_AUTO,
            )
        return dataset.prefetch(_AUTO)

    return dataset_of


def _array_records(encoding: str) -> Callable[[Place], Iterator[Batch]]:
    def batches_of(place: Place) -> Iterator[Batch]:
        builder = built(place, encoding, "array_record")
        source = builder.as_data_source(split="train")
        return _batches(source, place, builder.builder_config.named)

    return batches_of


def _batches(source: Any, place: Place, config: NamedConfig) -> Iterator[Batch]:
    while True:
        for first in range(0, place.num_clips, place.batch_size):
            rows = source.__getitems__(range(first, first + place.batch_size))
            batch = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
            if config.encoding == "trajectories":
                batch = dotmotion_tfds.render(batch, config)
            yield batch


def _stored(encoding: str) -> Callable[[Place], tf.data.Dataset]:
    def dataset_of(place: Place) -> tf.data.Dataset:
        return dotmotion_tfds.stored(
            "train",
            epochs=1 << 20,
            config=stored_config(encoding, place.num_clips),
            data_dir=str(place.folder),
            batch_size=place.batch_size,
        )

    return dataset_of


# --- All of them ----------------------------------------------------------------------

LOOP = "notebook's loop alone"
STREAM = "stream"

GENERATED: Mapping[str, Pipeline] = {
    LOOP: Pipeline("NumPy on one core, no tf.data", _loop_alone, NO_INDEX),
    "notebook's loop": Pipeline(
        "from_generator, batch, prefetch", _loop_from_generator, NO_INDEX
    ),
    "per-clip map": Pipeline("map of one clip, batch, prefetch", _per_clip_map),
    "vectorised map": Pipeline(
        "map of a batch, each pixel compared", _vectorised(_broadcast)
    ),
    "row gather": Pipeline(
        "map of a batch, rows taken from a table", _vectorised(_gathered_rows)
    ),
    "row gather, no prefetch": Pipeline(
        "the same without prefetch", _vectorised(_gathered_rows, prefetch=False)
    ),
    "row gather, any order": Pipeline(
        "the same, deterministic off", _stream_in_any_order, ANY_ORDER
    ),
    STREAM: Pipeline("dotmotion_tfds.stream", _stream),
    "stream, private threads": Pipeline(
        "two threads of its own", _stream_with_private_threads
    ),
    "stream, no pool": Pipeline("without oneDNN's pool of memory", _stream, env=_NO_POOL),
    "stream, memory given back": Pipeline(
        "the same, and the C library keeps nothing",
        _stream,
        env={**_NO_POOL, "DOTMOTION_KEEP_MEMORY": "off"},
    ),
    "stream, data service": Pipeline("through tf.data service", _data_service, ANY_ORDER),
    "stream, float32": Pipeline("pixels in [0, 1]", _stream_as_float, is_float=True),
}

CACHED: Mapping[str, Pipeline] = {
    "cache, then batch": Pipeline("clips in memory", _cache_of_clips, repeats=True),
    "batch, then cache": Pipeline("batches in memory", _cache_of_batches, repeats=True),
    "file cache, then batch": Pipeline(
        "clips in a file",
        lambda place: _cache_of_clips(place, str(place.folder / "clips")),
        repeats=True,
    ),
    "batch, then file cache": Pipeline(
        "batches in a file",
        lambda place: _cache_of_batches(place, str(place.folder / "batches")),
        repeats=True,
    ),
    "snapshot": Pipeline("batches in a snapshot", _snapshot, repeats=True),
    "stream, cache in memory": Pipeline(
        "permuted passes, clips in memory",
        lambda place: _stream_with_cache(place, "memory"),
        ANY_ORDER,
        repeats=True,
    ),
    "stream, cache in a file": Pipeline(
        "permuted passes, clips in a mapped file",
        lambda place: _stream_with_cache(place, str(place.folder / "cache")),
        ANY_ORDER,
        repeats=True,
    ),
    STREAM: GENERATED[STREAM],
}

STORED: Mapping[str, Pipeline] = {
    **{
        f"tfrecord, {encoding}": Pipeline(
            "tfds.load, batch, prefetch",
            _tfrecords(encoding),
            ANY_ORDER,
            repeats=True,
        )
        for encoding in configs.ENCODINGS
    },
    **{
        f"array_record, {encoding}": Pipeline(
            "tfds.data_source, batches of NumPy", _array_records(encoding), repeats=True
        )
        for encoding in configs.ENCODINGS
    },
    **{
        f"stored, {encoding}": Pipeline(
            "dotmotion_tfds.stored, permuted passes",
            _stored(encoding),
            ANY_ORDER,
            repeats=True,
        )
        for encoding in configs.ENCODINGS
    },
    STREAM: GENERATED[STREAM],
}

GROUPS: Mapping[str, Mapping[str, Pipeline]] = {
    "generated": GENERATED,
    "cached": CACHED,
    "stored": STORED,
}


def known_rate(
    place: Place,
    *,
    batch_seconds: float,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> tf.data.Dataset:
    """Batches that come at a known rate, which is far less than could be made.

    Each is due some time after the one before it was, and not after it came: sleeping
    takes a millisecond longer than it is told to on some machines.

    Args:
      place: what batches are made of.
      batch_seconds: from one to the next.
      clock: seconds that go up.
      sleep: sleeps so many seconds.
    """

    def ticks() -> Iterator[int]:
        due = clock()
        for number in itertools.count():
            now = clock()
            if now > due + batch_seconds:
                # Whoever takes the batches has paused.
                due = now
            due += batch_seconds
            sleep(max(due - now, 0.0))
            yield number

    paced = tf.data.Dataset.from_generator(
        ticks, output_signature=tf.TensorSpec((), tf.int64)
    )
    ready = _pass(place).cache().repeat()
    return tf.data.Dataset.zip((paced, ready)).map(lambda tick, batch: batch).prefetch(1)
