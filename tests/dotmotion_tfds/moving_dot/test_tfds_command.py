"""The real `tfds` command, each time in a process of its own."""

import pathlib
import shutil
import struct

import grain.python as grain
import numpy as np
import pytest
import tensorflow_datasets as tfds

import dotmotion_tfds
from tests.dotmotion_tfds import golden
from tests.processes import MLCROISSANT, TFDS, python, run

DATASET_FOLDER = pathlib.Path(dotmotion_tfds.__file__).parent / "moving_dot"


@pytest.fixture(scope="module")
def built_in_the_folder(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("built_in_the_folder")
    done = run([TFDS, "build", f"--data_dir={data_dir}"], cwd=DATASET_FOLDER)
    assert done.returncode == 0, done.stderr
    return data_dir


@pytest.fixture(scope="module")
def built_by_import(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("built_by_import")
    command = [TFDS, "build", "moving_dot", "--imports", "dotmotion_tfds"]
    done = run([*command, f"--data_dir={data_dir}"], cwd=data_dir)
    assert done.returncode == 0, done.stderr
    return data_dir


@pytest.mark.parametrize(
    "way", ["built_by_import", pytest.param("built_in_the_folder", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(("config", "split"), golden.SHA256)
def test_both_ways_build_the_pinned_clips(request, way, config, split):
    data_dir = request.getfixturevalue(way)
    builder = tfds.builder(f"moving_dot/{config}", data_dir=data_dir)
    found = golden.of_dataset(builder.as_dataset(split=split), config)
    assert found == golden.SHA256[config, split]


def test_building_shows_progress(tmp_path):
    command = [TFDS, "build", "moving_dot/notebook", "--imports", "dotmotion_tfds"]
    done = run([*command, f"--data_dir={tmp_path}"])
    assert "Generating clips" in done.stderr
    assert "0/160" in done.stderr


@pytest.mark.slow
def test_every_config_is_verified(built_by_import):
    done = python("-m", "dotmotion_tfds.verify", f"--data_dir={built_by_import}")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == 2 * len(dotmotion_tfds.CONFIGS)
    assert all(line.endswith("clips are right") for line in lines)


def test_what_the_command_built_is_described_and_shown(built_by_import, tmp_path):
    options = [f"--data_dir={built_by_import}", f"--out={tmp_path}"]
    done = python("-m", "dotmotion_tfds.croissant", *options)
    assert done.returncode == 0, done.stderr
    documents = sorted(tmp_path.glob("moving_dot/*/*/croissant.json"))
    assert {path.parts[-3] for path in documents} == set(dotmotion_tfds.CONFIGS)
    checked = run([MLCROISSANT, "validate", "--jsonld", str(documents[-1])])
    assert checked.returncode == 0, checked.stderr
    builder = tfds.builder("moving_dot/large", data_dir=built_by_import)
    clips = builder.as_dataset(split="test").take(1)
    assert "data:image/gif" in tfds.as_dataframe(clips, builder.info)._repr_html_()


@pytest.mark.parametrize("config", ["hard", "trajectories"])
def test_a_flipped_bit_in_what_the_command_built_is_named(
    built_by_import, tmp_path, config
):
    folder = built_by_import / "moving_dot" / config
    shutil.copytree(folder, tmp_path / "moving_dot" / config)
    shard = min((tmp_path / "moving_dot" / config / "1.0.0").glob("*-test.*"))
    content = bytearray(shard.read_bytes())
    (length,) = struct.unpack_from("<Q", content)
    # In the middle of record 1, which follows the frame of record 0.
    content[16 + length + 12 + length // 2] ^= 4
    shard.write_bytes(content)
    done = python("-m", "dotmotion_tfds.verify", f"--data_dir={tmp_path}")
    assert done.returncode == 1
    assert f"{shard.name}, record 1: its checksum does not fit" in done.stdout


def test_rendered_trajectories_are_the_stored_clips_of_standard(built_by_import):
    load = {"split": "test", "data_dir": str(built_by_import)}
    rendered = tfds.load("moving_dot/trajectories", **load).map(dotmotion_tfds.render)
    assert golden.of_dataset(rendered, "standard") == golden.SHA256["standard", "test"]


@pytest.mark.parametrize(
    "encoding",
    [
        "raw",
        *(pytest.param(each, marks=pytest.mark.slow) for each in ("png", "trajectories")),
    ],
)
def test_any_config_in_another_encoding(tmp_path, encoding):
    name = f"moving_dot/notebook_{encoding}"
    command = [TFDS, "build", name, "--imports", "dotmotion_tfds"]
    done = run([*command, f"--data_dir={tmp_path}"])
    assert done.returncode == 0, done.stderr
    dataset = tfds.load(name, split="train", data_dir=str(tmp_path))
    if encoding == "trajectories":
        dataset = dataset.map(lambda clip: dotmotion_tfds.render(clip, "notebook"))
    assert golden.of_dataset(dataset, "notebook") == golden.SHA256["notebook", "train"]
    verified = python("-m", "dotmotion_tfds.verify", f"--data_dir={tmp_path}")
    assert verified.returncode == 0, verified.stderr


def test_tfds_load_works_after_the_import_alone(built_by_import):
    program = (
        "import dotmotion_tfds, tensorflow_datasets as tfds\n"
        "ds = tfds.load('moving_dot/notebook', split='test', as_supervised=True, "
        f"data_dir={str(built_by_import)!r})\n"
        "video, label = next(iter(ds))\n"
        "print(video.shape, video.dtype.name, label.dtype.name)\n"
    )
    done = python("-c", program)
    assert done.stdout == "(20, 50, 130, 1) uint8 int64\n", done.stderr


def test_a_custom_geometry_in_array_records(tmp_path):
    geometry = '{"frames": 4, "height": 16, "width": 24, "dot_size": 3}'
    command = [TFDS, "build", "moving_dot", "--imports", "dotmotion_tfds"]
    options = [f"--config={geometry}", "--file_format=array_record"]
    done = run([*command, *options, f"--data_dir={tmp_path}"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "moving_dot" / "frames4_16x24_dot3_noise1" / "1.0.0"
    source = tfds.builder_from_directory(folder).as_data_source(split="test")
    assert len(source) == 1000
    for index in (999, 0, 123):
        expected = dotmotion_tfds.clips([index], "test", geometry)
        found = source[index]
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value.numpy()[0])


@pytest.mark.slow
def test_array_records_of_a_named_config_are_read_by_name(tmp_path):
    command = [TFDS, "build", "moving_dot/notebook", "--imports", "dotmotion_tfds"]
    done = run([*command, "--file_format=array_record", f"--data_dir={tmp_path}"])
    assert done.returncode == 0, done.stderr
    source = tfds.data_source("moving_dot/notebook", split="train", data_dir=tmp_path)
    assert [source[index]["index"] for index in (5, 79, 0)] == [5, 79, 0]
    batch = grain.MapDataset.source(source).shuffle(seed=1).batch(16)[2]
    expected = dotmotion_tfds.clips(batch["index"], "train", "notebook")
    np.testing.assert_array_equal(batch["video"], expected["video"])


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ('{"dot_size": 99}', "dot_size=99 does not fit a frame of 50 x 130 pixels"),
        ('{"dots": 2}', "unknown key 'dots'"),
        ('{"frames": 2', "Expecting"),
        ("standart", "unknown config 'standart'"),
    ],
)
def test_a_wrong_config_is_one_line_and_leaves_nothing(tmp_path, config, message):
    command = [TFDS, "build", "moving_dot", "--imports", "dotmotion_tfds"]
    done = run([*command, f"--config={config}", f"--data_dir={tmp_path}"])
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_an_empty_directory_is_not_taken_for_a_dataset(tmp_path):
    folder = tmp_path / "moving_dot" / "notebook" / "1.0.0"
    folder.mkdir(parents=True)
    command = [TFDS, "build", "moving_dot/notebook", "--imports", "dotmotion_tfds"]
    done = run([*command, f"--data_dir={tmp_path}"])
    assert done.returncode != 0
    assert "is not a complete dataset: it holds nothing" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(folder.iterdir())
