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


def edges(encoded):
    """Each pixel of it depends on those around."""
    frame = tf.cast(tf.io.decode_jpeg(encoded, channels=1), tf.float32)
    return tf.reduce_sum(tf.abs(tf.image.sobel_edges(frame[tf.newaxis])[0]), axis=-1)


def test_what_is_drawn_anew_in_each_call_is_held():
    found = part(lambda each: tf.image.random_crop(scaled(each), [20, 30, 3]))
    assert found == pytest.approx(0.25)


def test_other_components_may_be_texts():
    def with_texts(each):
        return scaled(each)[10:20, 15:45], each, tf.stack([each, each])

    assert part(with_texts) == pytest.approx(0.125)


def test_the_range_of_all_pixels_matters():
    picture = np.full((40, 60, 3), 100, np.uint8)
    picture[:20, :30] = np.where(np.arange(30)[None, :, None] % 2, 0, 255)

    def stretched(each):
        whole = scaled(each)
        least, most = tf.reduce_min(whole), tf.reduce_max(whole)
        return ((whole - least) / (most - least))[30:]

    assert part(stretched, [tf.io.encode_jpeg(picture).numpy()]) > 0.5


def test_the_part_is_a_rectangle():
    assert part(lambda each: tf.linalg.diag_part(scaled(each)[..., 0])) == 2 / 3


def test_what_takes_too_long_is_not_told(monkeypatch):
    monkeypatch.setattr(cropping, "_MOST_SECONDS", 0.0)
    assert part(lambda each: scaled(each)[10:20, 15:45]) is None


def test_what_filters_look_at_around_it_counts():
    assert part(lambda each: edges(each)[10:20, 20:40]) == pytest.approx(12 * 22 / 2400)


def test_a_picture_may_be_cut_when_it_is_small():
    found = part(lambda each: tf.image.resize(scaled(each), (20, 30))[:10, :15])
    assert found == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (scaled, "nothing is cut"),
        (lambda each: scaled(each)[..., 0], "a channel is taken"),
        (lambda each: scaled(each)[:, ::-1], "it is turned round"),
        (
            lambda each: tf.image.per_image_standardization(scaled(each))[:10],
            "the mean is that of all pixels",
        ),
        (lambda each: cut_and_small(scaled(each)), "all of it is used as well"),
        (lambda each: halves(scaled(each)), "two parts are used"),
        (lambda each: with_itself(scaled(each)), "it is given whole too"),
    ],
)
def test_what_needs_the_whole_picture_is_left(function, reason):
    assert part(function) == 1.0, reason


@pytest.mark.parametrize(
    ("function", "encoded", "reason"),
    [
        (lambda each: tf.shape(scaled(each))[:2], JPEGS, "its shape is used alone"),
        (lambda each: tf.io.decode_png(each)[:10], PNGS, "a PNG is decoded"),
        (tf.strings.length, JPEGS, "no picture is decoded"),
    ],
)
def test_what_needs_no_picture_has_no_part_of_one(function, encoded, reason):
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
