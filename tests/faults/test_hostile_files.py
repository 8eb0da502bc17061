"""Files that strangers made are read as data, and never as code."""

from __future__ import annotations

import json
import shutil
import struct
import zipfile

import h5py
import keras
import pytest

from dotmotion_tfds.files.record_files import masked_crc
from dotmotion_tfds.moving_dot.moving_dot_dataset_builder import Builder
from tests.conftest import SMALL_SPEC
from tests.faults.runs import TRAINING, one_line, struck, weights
from trainers import models

_HOSTILE = "import pathlib\npathlib.Path(r'{marker}').write_text('ran')\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("built")
    Builder(config="notebook", data_dir=data_dir).download_and_prepare()
    return data_dir


@pytest.fixture
def dataset(built, tmp_path):
    """A copy to tamper with, its folder, a marker and an environment to find code in."""
    shutil.copytree(built, tmp_path / "data")
    marker = tmp_path / "marker"
    (tmp_path / "hostile.py").write_text(_HOSTILE.format(marker=marker))
    folder = tmp_path / "data" / "moving_dot" / "notebook" / "1.0.0"
    return folder, marker, {"PYTHONPATH": f"{tmp_path}:."}


def named_elsewhere(features):
    features["pythonClassName"] = "hostile.Feature"


def named_inside(features):
    inner = features["featuresDict"]["features"]
    inner["label"]["pythonClassName"] = "hostile.Feature"


def named_as_before(features):
    inner = dict(features)
    features.clear()
    features.update({"type": "hostile.Feature", "content": inner})


@pytest.mark.fault(
    "a features.json that names a stranger's class", "refused, and no code of it is run"
)
@pytest.mark.parametrize(
    "change",
    [
        named_elsewhere,
        *(
            pytest.param(each, marks=pytest.mark.slow)
            for each in (named_inside, named_as_before)
        ),
    ],
)
@pytest.mark.parametrize("program", ["verify", "croissant"])
def test_no_class_is_imported_that_a_dataset_names(dataset, change, program, tmp_path):
    folder, marker, env = dataset
    path = folder / "features.json"
    features = json.loads(path.read_text())
    change(features)
    path.write_text(json.dumps(features))
    options = [f"--data_dir={tmp_path / 'data'}"]
    done = struck([], f"dotmotion_tfds.{program}", *options, env=env)
    assert not marker.exists()
    assert done.returncode != 0
    assert "hostile.Feature" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.fault("a features.json of a gigabyte", "refused before it is read")
def test_a_huge_features_file_is_refused(dataset, tmp_path):
    folder, _, _ = dataset
    with open(folder / "features.json", "r+b") as file:
        file.truncate(1 << 30)
    done = struck([], "dotmotion_tfds.verify", f"--data_dir={tmp_path / 'data'}")
    assert "features.json has 1073741824 bytes" in one_line(done, 1)


@pytest.mark.slow
@pytest.mark.fault(
    "a record that says to be 2**62 bytes long, with a right checksum",
    "named, and no memory is taken for it",
)
@pytest.mark.parametrize("length", [1 << 62, 1 << 40, (1 << 64) - 1])
def test_a_crafted_length_is_named(dataset, tmp_path, length):
    folder, _, _ = dataset
    header = struct.pack("<Q", length)
    shard = next(folder.glob("*train*"))
    with open(shard, "r+b") as file:
        file.write(header + struct.pack("<I", masked_crc(header)))
    # Four times what TensorFlow takes by itself.
    done = struck(
        ["memory=16000000000"], "dotmotion_tfds.verify", f"--data_dir={tmp_path / 'data'}"
    )
    assert done.returncode == 1, done.stderr
    assert f"{shard.name}, record 0: " in done.stdout
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Files of Keras with the weights of a model."""
    folder = tmp_path_factory.mktemp("kept")
    model = models.build(
        "cnn_lstm", layers="stock", clip_shape=SMALL_SPEC.video_shape, seed=3
    )
    for suffix in (".keras", ".h5"):
        keras.models.save_model(model, folder / f"model{suffix}")
    return folder


def with_hostile_model(path):
    """Has the description of a model name a stranger's class, and hold a lambda."""
    hostile = {
        "module": "hostile",
        "class_name": "Feature",
        "config": {},
        "registered_name": "hostile>Feature",
    }
    function = {"class_name": "__lambda__", "config": {"code": "4wEA", "defaults": None}}
    hostile_lambda = {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {"name": "evil", "function": function},
    }
    text = json.dumps(
        {
            "module": "keras",
            "class_name": "Sequential",
            "config": {"layers": [hostile, hostile_lambda]},
        }
    )
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = text
        return
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = text.encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.slow
@pytest.mark.fault(
    "a .keras or .h5 file whose model is hostile code",
    "its weights are used, and no code of it is run",
)
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_weights_are_taken_and_code_is_not_run(kept, tmp_path, suffix):
    marker = tmp_path / "marker"
    (tmp_path / "hostile.py").write_text(_HOSTILE.format(marker=marker))
    path = tmp_path / f"model{suffix}"
    shutil.copy(kept / path.name, path)
    with_hostile_model(path)
    begun = {}
    for name, given in (("hostile", path), ("clean", kept / path.name)):
        done = struck(
            [],
            "trainers.main",
            *TRAINING,
            f"--initial_weights={given}",
            f"--workdir={tmp_path / name}",
            env={"PYTHONPATH": f"{tmp_path}:."},
        )
        assert done.returncode == 0, done.stderr
        begun[name] = weights(tmp_path / name)
    assert not marker.exists()
    assert begun["hostile"] == begun["clean"]


@pytest.mark.fault(
    "an HDF5 file that points to a file of this machine, or says to be huge",
    "one line, exit 2, nothing is written",
)
@pytest.mark.parametrize(
    "edit",
    [
        lambda file: file.__setitem__("a", h5py.ExternalLink("/etc/passwd", "/")),
        lambda file: file.create_dataset("a", (4,), "u1", external=[("/etc/passwd", 0, 4)]),
        lambda file: file.create_dataset("a", (1 << 44,), "f4", chunks=True),
    ],
    ids=["link", "external", "huge"],
)
def test_a_file_that_points_elsewhere_is_refused(kept, tmp_path, edit):
    path = tmp_path / "model.h5"
    shutil.copy(kept / path.name, path)
    with h5py.File(path, "r+") as file:
        edit(file)
    workdir = tmp_path / "run"
    done = struck(
        [],
        "trainers.main",
        *TRAINING,
        f"--initial_weights={path}",
        f"--workdir={workdir}",
    )
    assert "can't be used" in one_line(done, 2)
    assert not workdir.exists()
