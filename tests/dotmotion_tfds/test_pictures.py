import io

import numpy as np
from PIL import Image

import dotmotion_tfds
from dotmotion_tfds import pictures


def test_a_filmstrip_holds_every_frame():
    video = dotmotion_tfds.clips([3])["video"].numpy()[0]
    strip = pictures.filmstrip(video)
    assert strip.shape == (4 * 51 - 1, 5 * 131 - 1, 1)
    np.testing.assert_array_equal(strip[:50, :130], video[0])
    np.testing.assert_array_equal(strip[-50:, -130:], video[19])


def test_fewer_frames_than_columns_and_a_last_row_that_is_not_full():
    video = np.full((3, 4, 6, 1), 255, np.uint8)
    assert pictures.filmstrip(video).shape == (4, 20, 1)
    strip = pictures.filmstrip(video, columns=2)
    assert strip.shape == (9, 13, 1)
    assert (strip[5:, 7:] == 96).all()


def test_an_animation_repeats_and_shows_every_frame():
    video = dotmotion_tfds.clips([0])["video"].numpy()[0]
    with Image.open(io.BytesIO(pictures.animation(video))) as image:
        assert image.n_frames == 20
        assert image.size == (390, 150)
        assert image.info["loop"] == 0
        assert image.info["duration"] == 100
        image.seek(7)
        shown = np.asarray(image.convert("L"))[::3, ::3]
    np.testing.assert_array_equal(shown, video[7, ..., 0])
