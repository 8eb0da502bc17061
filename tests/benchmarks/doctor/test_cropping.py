import numpy as np
import pytest
import tensorflow as tf

from benchmarks.doctor import cropping, graphs, rewrites

NOISE = np.random.default_rng(0).integers(0, 255, (2, 40, 60, 3), np.uint8)
JPEGS = [tf.io.encode_jpeg(each).numpy() for each in NOISE]
PNGS = [tf.io.encode_png(each).numpy() for each in NOISE]


def decoded(encoded):
    return tf.io.decode_image(encoded, channels=3, expand_animations=False)


def scaled(encoded):
    return tf.cast(tf.io.decode_jpeg(encoded), tf.float32) / 127.5 - 1


def halves(picture):
    return picture[:20], picture[20:]


def cut_and_small(picture):
    return picture[:20], tf.image.resize(picture, (9, 9))


def with_itself(picture):
    return picture[:20], picture


def part(function, encoded=JPEGS):
    dataset = tf.data.Dataset.from_tensor_slices(encoded, name="source")
    pipeline = graphs.read(dataset.map(function, name="map"))
    nodes = tuple(pipeline.nodes)
    view = rewrites.View(pipeline, nodes, {}, {}, cores=2)
    source, node = nodes
    return cropping.kept_part(view, node, {source.tag: dataset})


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda each: tf.image.crop_to_bounding_box(scaled(each), 2, 3, 20, 30), 0.25),
        (lambda each: scaled(each)[10:20, 15:45], 0.125),
        (lambda each: decoded(each)[:, :30], 0.5),
        (
            lambda each: tf.image.stateless_random_crop(scaled(each), [20, 30, 3], (1, 2)),
            0.25,
        ),
    ],
)
def test_the_part_of_the_pixels_that_is_kept_is_told(function, expected):
    assert part(function) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("function", "encoded", "reason"),
    [
        (scaled, JPEGS, "nothing is cut"),
        (lambda each: scaled(each)[..., 0], JPEGS, "a channel is taken"),
        (lambda each: scaled(each)[3], JPEGS, "a row is taken"),
        (lambda each: scaled(each)[:, ::-1], JPEGS, "it is turned round"),
        (lambda each: tf.shape(scaled(each))[:2], JPEGS, "its shape is cut"),
        (
            lambda each: tf.image.resize(scaled(each), (20, 20))[:10],
            JPEGS,
            "pixels come from others",
        ),
        (lambda each: tf.io.decode_png(each)[:10], PNGS, "a PNG is decoded"),
        (tf.strings.length, JPEGS, "no picture is decoded"),
        (
            lambda each: tf.image.per_image_standardization(scaled(each))[:10],
            JPEGS,
            "the mean is that of all pixels",
        ),
        (
            lambda each: cut_and_small(scaled(each)),
            JPEGS,
            "all of it is used as well",
        ),
        (lambda each: halves(scaled(each)), JPEGS, "two parts are used"),
        (lambda each: with_itself(scaled(each)), JPEGS, "it is given whole too"),
    ],
)
def test_what_needs_the_whole_picture_is_left(function, encoded, reason):
    assert part(function, encoded) is None, reason


def test_channels_that_are_left_out_are_decoded_all_the_same():
    assert part(lambda each: tf.slice(scaled(each), [0, 0, 0], [-1, -1, 1])) == 1.0


def test_only_maps_are_looked_at():
    def opened(encoded):
        return tf.data.Dataset.from_tensors(scaled(encoded)[:10])

    dataset = tf.data.Dataset.from_tensor_slices(JPEGS, name="source")
    pipeline = graphs.read(dataset.flat_map(opened))
    view = rewrites.View(pipeline, tuple(pipeline.nodes), {}, {}, cores=2)
    source, node = pipeline.nodes
    assert cropping.kept_part(view, node, {source.tag: dataset}) is None


def test_a_decoder_of_all_kinds_may_meet_what_is_no_jpeg():
    assert part(lambda each: decoded(each)[:10], PNGS) == 1.0
