"""Stored clips as serialized `tf.train.Example`s: which bytes a clip's record has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from google.protobuf import message
from tensorflow.core.example import example_pb2

from dotmotion_tfds import elements
from dotmotion_tfds.arrays import NUMPY
from dotmotion_tfds.configs import STORED_SEED, NamedConfig
from dotmotion_tfds.files import encodings
from dotmotion_tfds.motion import center_tables

# Frames that are rendered at once; more of them leave the processor's caches.
_BATCH_BYTES = 8 << 20
_MOST_CLIPS_AT_ONCE = 256


def clip_records(config: NamedConfig, split: str, first: int, stop: int) -> Iterator[bytes]:
    """The records of clips `first` to `stop` - 1, in order.

    The bytes depend on the arguments alone (and on the versions of zlib and Pillow), so
    any process may write any part of a dataset.

    Args:
      config: the configuration, with the encoding of its frames.
      split: the split's name.
      first: the first clip's index, not negative.
      stop: the index after the last one.

    Yields:
      A serialized `tf.train.Example` with `label`, `index`, `centers` and, unless it is
      left out by the encoding, `video`.
    """
    spec = config.spec
    encoder = encodings.ClipEncoder(config)
    # What sampling the centres takes for a clip, and, if they are rendered, its frames.
    clip_bytes = center_tables(spec).thresholds[0].nbytes
    if not spec.shows_the_dot_alone or config.encoding == "raw":
        clip_bytes = max(clip_bytes, spec.clip_bytes)
    at_once = min(_MOST_CLIPS_AT_ONCE, max(1, _BATCH_BYTES // clip_bytes))
    for start in range(first, stop, at_once):
        indices = np.arange(start, min(start + at_once, stop), dtype=np.int64)
        described = elements.describe_clips(
            NUMPY, spec, indices, split=split, seed=STORED_SEED
        )
        videos = encoder.encode(
            indices, described["centers"], split=split, seed=STORED_SEED
        )
        yield from _serialized(
            indices.tolist(),
            described["label"].tolist(),
            described["centers"].reshape(len(indices), -1).tolist(),
            videos,
        )


def parse_record(record: bytes) -> dict[str, list[Any]] | None:
    """The values of each feature of a record, or None if it is no such example."""
    try:
        features = example_pb2.Example.FromString(record).features.feature
    except message.DecodeError:
        return None
    return {
        name: list(getattr(feature, feature.WhichOneof("kind")).value)
        for name, feature in features.items()
        if feature.WhichOneof("kind")
    }


def _serialized(
    indices: list[int],
    labels: list[int],
    centers: list[list[int]],
    videos: list[list[bytes]],
) -> Iterator[bytes]:
    """The records of clips, in order."""
    # One message that is filled anew takes 1.1 us a clip, a new one for each 2.8 us. But
    # it keeps the memory of all it ever held, so it should not serve many batches.
    example = example_pb2.Example()
    features = example.features.feature
    features["index"].int64_list.value.append(0)
    features["label"].int64_list.value.append(0)
    index = features["index"].int64_list.value
    label = features["label"].int64_list.value
    center = features["centers"].int64_list.value
    video = features["video"].bytes_list.value if videos[0] else None
    for row in range(len(indices)):
        index[0] = indices[row]
        label[0] = labels[row]
        center[:] = centers[row]
        if video is not None:
            video[:] = videos[row]
        # A map's entries have no order of their own, and would differ between processes.
        yield example.SerializeToString(deterministic=True)
