import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.ops.parallel_for import pfor

from benchmarks.doctor import converters

WORDS = tf.constant([" One ", "TWO2", " thr ee", ""])
PICTURES = tf.reshape(tf.range(4 * 5 * 6 * 3) % 251, (4, 5, 6, 3))
NUMBERS = tf.constant(["1", "2.5", "-3", "1e3"])
TABLE = tf.lookup.StaticHashTable(
    tf.lookup.KeyValueTensorInitializer(["One", "TWO2"], tf.constant([1, 2], tf.int64)), -1
)
FUNCTIONS = {
    "lower": (tf.strings.lower, WORDS),
    "upper": (tf.strings.upper, WORDS),
    "strip": (tf.strings.strip, WORDS),
    "length": (lambda each: tf.strings.length(each, unit="UTF8_CHAR"), WORDS),
    "hash": (lambda each: tf.strings.to_hash_bucket_fast(each, 97), WORDS),
    "strong hash": (lambda each: tf.strings.to_hash_bucket_strong(each, 97, [1, 2]), WORDS),
    "number": (lambda each: tf.strings.to_number(each, tf.float64), NUMBERS),
    "string": (lambda each: tf.strings.as_string(each, precision=2), tf.range(4.0)),
    "replace": (lambda each: tf.strings.regex_replace(each, "[a-z]+", "x"), WORDS),
    "match": (lambda each: tf.strings.regex_full_match(each, ".*O.*"), WORDS),
    "base64": (lambda each: tf.io.decode_base64(tf.io.encode_base64(each)), WORDS),
    "substring": (
        lambda each: tf.strings.substr(each, 0, tf.strings.length("ab")),
        NUMBERS,
    ),
    "join": (lambda each: tf.strings.join(["no.", each, ["a", "b"]], "-"), NUMBERS),
    "bytes": (
        lambda each: tf.io.decode_raw(each, tf.int16),
        tf.constant([b"1234", b"56\x00\xff", b"abcd", b"    "]),
    ),
    "padded bytes": (lambda each: tf.io.decode_raw(each, tf.uint8, fixed_length=5), WORDS),
    "HSV": (
        lambda each: tf.image.hsv_to_rgb(tf.image.rgb_to_hsv(tf.cast(each, tf.float32))),
        PICTURES,
    ),
    **{
        f"resize {method}": (
            lambda each, method=method: tf.image.resize(each, (7, 3), method),
            PICTURES,
        )
        for method in ("area", "bicubic", "bilinear", "nearest")
    },
    "JSON": (
        tf.io.decode_json_example,
        tf.constant(
            ['{"features": {"feature": {"a": {"int64List": {"value": [3]}}}}}'] * 4
        ),
    ),
    "lookup": (
        lambda each: TABLE.lookup(tf.strings.strip(tf.stack([each, "TWO2"]))),
        WORDS,
    ),
    "bins": (
        lambda each: tf.math.bincount(each, minlength=5, maxlength=5, binary_output=True),
        tf.constant([[1, 1, 4], [0, 2, 3], [2, 2, 2]]),
    ),
    "weighted bins": (
        lambda each: tf.math.bincount(each, 1.5 * tf.cast(each, tf.float32), 3, 3),
        tf.constant([[1, 1, 4], [0, 2, 3], [2, 2, 2]]),
    ),
    "table": (lambda each: tf.gather_nd(tf.range(9), [[each]]), tf.range(4)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_all_rows_at_once_are_the_same_as_one_by_one(name):
    function, rows = FUNCTIONS[name]
    with converters.added():
        together = tf.vectorized_map(function, rows, fallback_to_while_loop=False)
    apart = np.stack([function(row).numpy() for row in rows])
    np.testing.assert_array_equal(together.numpy(), apart)


def test_a_pattern_that_differs_is_not_converted():
    with converters.added(), pytest.raises(ValueError, match="loop invariant"):
        tf.vectorized_map(
            lambda pair: tf.raw_ops.RegexFullMatch(input=pair[0], pattern=pair[1]),
            (WORDS, WORDS),
            fallback_to_while_loop=False,
        )


def test_they_are_gone_afterwards():
    before = dict(pfor._pfor_converter_registry)
    with converters.added():
        assert len(pfor._pfor_converter_registry) > len(before)
    assert pfor._pfor_converter_registry == before
