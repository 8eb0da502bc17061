import pathlib

import numpy as np
import pytest
from PIL import Image, ImageSequence

import dotmotion_tfds
from dotmotion_tfds import pictures, preview, resolve_config
from tests.processes import python


def test_the_program_writes_a_still_and_a_moving_picture_of_each_class(tmp_path):
    done = python("-m", "dotmotion_tfds.preview", f"--out={tmp_path / 'new'}", "--first=41")
    assert (done.returncode, done.stderr) == (0, "")
    clips = dotmotion_tfds.clips(range(41, 48))
    names = set()
    for label, name in enumerate(dotmotion_tfds.CLASS_NAMES):
        of_class = clips["video"].numpy()[clips["label"].numpy() == label]
        for suffix in ("png", "gif"):
            path = tmp_path / "new" / f"standard-{name}.{suffix}"
            assert str(path) in done.stdout.splitlines()
            names.add(path.name)
        with Image.open(path.with_suffix(".png")) as image:
            shown = np.asarray(image)[..., np.newaxis]
        np.testing.assert_array_equal(shown, pictures.filmstrip(of_class[0]))
        with Image.open(path.with_suffix(".gif")) as image:
            # Equal frames in a row are stored as one that shows longer.
            durations = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
            assert sum(durations) == 20 * 100
    assert {path.name for path in (tmp_path / "new").iterdir()} == names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config=none"], "unknown config 'none'"),
        (["--split=valid"], "unknown split 'valid'"),
        (["--seed=-1"], "seed=-1"),
        (["--first=-1"], "first=-1"),
        (["--frist=1"], "Did you mean: first"),
    ],
)
def test_wrong_usage_is_one_line_and_leaves_nothing(arguments, message, tmp_path, capsys):
    assert preview.main(["preview", f"--out={tmp_path / 'out'}", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
    assert not list(tmp_path.iterdir())


def test_a_directory_that_cant_be_made_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert preview.main(["preview", f"--out={tmp_path / 'file' / 'out'}"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_help_has_examples(capsys):
    assert preview.main(["preview", "--help"]) == 0
    assert "python -m dotmotion_tfds.preview --out=previews" in capsys.readouterr().out


PICTURES = sorted((pathlib.Path(preview.__file__).parent / "moving_dot/previews").iterdir())


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_the_pictures_of_the_dataset_card_are_those_of_today(path, tmp_path):
    config = resolve_config(path.stem.partition("-")[0])
    preview.write_previews(tmp_path, config, split="train", seed=0, first=0)
    with Image.open(path) as shown, Image.open(tmp_path / path.name) as made:
        frames = zip(
            ImageSequence.Iterator(shown), ImageSequence.Iterator(made), strict=True
        )
        for one, other in frames:
            np.testing.assert_array_equal(one.convert("RGB"), other.convert("RGB"))
