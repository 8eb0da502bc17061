import dataclasses
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dotmotion_tfds import CONFIGS, ClipSpec, elements, encodings, resolve_config
from dotmotion_tfds.arrays import NUMPY
from dotmotion_tfds.configs import with_encoding

SPECS = [
    ClipSpec(frames=1, height=8, width=9, dot_size=1, noise=0),
    ClipSpec(frames=6, height=17, width=27, dot_size=3, noise=2),
    ClipSpec(frames=6, height=17, width=27, contrast=30, as_notebook=True),
    ClipSpec(frames=4, height=17, width=27, channels=3, varying_speed=True),
    ClipSpec(frames=4, height=17, width=27, channels=3, sensor_noise=30, distractors=2),
]
DRAWN = {"split": "test", "seed": 3}


def encoded(spec, encoding, indices):
    config = with_encoding(resolve_config(spec), encoding)
    clips = elements.render_clips(NUMPY, spec, indices, **DRAWN)
    encoder = encodings.ClipEncoder(config)
    # Twice: the second time frames are those that were kept.
    encoder.encode(indices, clips["centers"], **DRAWN)
    return clips["video"], encoder.encode(indices, clips["centers"], **DRAWN)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("encoding", ["raw", "zlib", "png"])
def test_what_is_encoded_is_decoded(spec, encoding):
    videos, strings = encoded(spec, encoding, np.arange(5, 205))
    for video, of_clip in zip(videos, strings, strict=True):
        decoded = encodings.decode_clip(spec, encoding, of_clip)
        np.testing.assert_array_equal(decoded, video)


@given(frames=st.integers(1, 9), first=st.integers(0, 2**40), noise=st.floats(0, 3))
@settings(max_examples=30, deadline=None)
def test_streams_put_together_are_streams_of_zlib(frames, first, noise):
    spec = ClipSpec(frames=frames, height=23, width=31, noise=noise)
    videos, strings = encoded(spec, "zlib", first + np.arange(4))
    for video, (stream,) in zip(videos, strings, strict=True):
        # Also checks the Adler-32 and that nothing follows.
        decompressor = zlib.decompressobj()
        assert decompressor.decompress(stream) == video.tobytes()
        assert decompressor.eof
        assert decompressor.unused_data == b""


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("pixels", [1, 5551, 5553, 65521, 200_000])
def test_checksums_of_long_and_of_full_frames(value, pixels):
    codec = encodings._Zlib()
    frames = [np.full((1, pixels, 1), value, np.uint8), np.ones((1, pixels, 1), np.uint8)]
    parts = [codec.encode_frame(frame) for frame in frames]
    (stream,) = codec.join(parts * 3)
    whole = b"".join(frame.tobytes() for frame in frames) * 3
    assert zlib.decompress(stream) == whole


def test_centres_alone_are_no_strings():
    _, strings = encoded(ClipSpec(), "trajectories", np.arange(3))
    assert strings == [[], [], []]


def test_equal_frames_are_encoded_once(monkeypatch):
    config = CONFIGS["standard"]
    encoder = encodings.ClipEncoder(config)
    described = elements.describe_clips(NUMPY, config.spec, np.arange(400), **DRAWN)
    encoder.encode(described["index"], described["centers"], **DRAWN)
    unique = np.unique(described["centers"].reshape(-1, 2), axis=0)
    assert len(encoder._kept) == len(unique)
    monkeypatch.setattr(encodings._Zlib, "encode_frame", None)
    encoder.encode(described["index"], described["centers"], **DRAWN)


def test_what_is_kept_is_limited(monkeypatch):
    monkeypatch.setattr(encodings, "_MAX_KEPT_FRAMES", 300)
    config = resolve_config(ClipSpec(frames=9, noise=8))
    encoder = encodings.ClipEncoder(config)
    for first in range(0, 1000, 20):
        indices = np.arange(first, first + 20)
        clips = elements.render_clips(NUMPY, config.spec, indices, **DRAWN)
        strings = encoder.encode(indices, clips["centers"], **DRAWN)
        assert len(encoder._kept) <= 300
        decoded = encodings.decode_clip(config.spec, "zlib", strings[7])
        np.testing.assert_array_equal(decoded, clips["video"][7])


@pytest.mark.parametrize("encoding", ["raw", "zlib", "png"])
@pytest.mark.parametrize("strings", [[], [b""], [b"junk"], [b"", b""], [b"\x89PNG\r\n"]])
def test_what_is_no_clip_is_not_decoded(encoding, strings):
    assert encodings.decode_clip(SPECS[1], encoding, strings) is None


@pytest.mark.parametrize("encoding", ["raw", "zlib", "png"])
def test_a_clip_of_another_size_is_not_decoded(encoding):
    _, strings = encoded(SPECS[1], encoding, np.arange(1))
    taller = dataclasses.replace(SPECS[1], height=18)
    assert encodings.decode_clip(taller, encoding, strings[0]) is None
