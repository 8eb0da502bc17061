import io
import zipfile

import h5py
import keras
import numpy as np
import pytest

from tests.conftest import SMALL_SPEC
from trainers import models, weights_file
from trainers.options import OptionsError

SHAPE = SMALL_SPEC.video_shape


def stock(name="cnn_lstm", seed=1, **options):
    return models.build(name, layers="stock", clip_shape=SHAPE, seed=seed, **options)


def saved(model, path):
    if path.name.endswith(".weights.h5"):
        model.save_weights(path)
    else:
        keras.models.save_model(model, path)
    return path


@pytest.mark.parametrize("name", ["cnn_lstm", "conv_lstm"])
@pytest.mark.parametrize("file", ["a.weights.h5", "a.keras", "a.h5"])
def test_every_format_of_keras_gives_the_weights(tmp_path, name, file):
    given = stock(name)
    path = saved(given, tmp_path / file)
    model = stock(name, seed=2)
    weights_file.load(path, model)
    for found, expected in zip(model.get_weights(), given.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_weights_of_a_nested_model(tmp_path):
    given = stock(nesting="nested")
    model = stock(nesting="nested", seed=2)
    weights_file.load(saved(given, tmp_path / "a.weights.h5"), model)
    for found, expected in zip(model.get_weights(), given.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_optimizer_in_a_file_is_left_there(tmp_path):
    given = stock()
    given.compile("adam", "sparse_categorical_crossentropy")
    given.optimizer.build(given.trainable_variables)
    weights_file.load(saved(given, tmp_path / "a.keras"), stock(seed=2))


@pytest.fixture
def path(tmp_path):
    return saved(stock(), tmp_path / "a.weights.h5")


def archive_of(path, content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", content)
    place = path.with_suffix(".keras")
    place.write_bytes(buffer.getvalue())
    return place


def edited(path, edit):
    with h5py.File(path, "r+") as file:
        edit(file)
    return path


def linked(file):
    file["elsewhere"] = h5py.ExternalLink("/etc/hostname", "/")


def soft(file):
    file["elsewhere"] = h5py.SoftLink("/layers")


def external(file):
    file.create_dataset("elsewhere", (4,), "u1", external=[("/etc/hostname", 0, 4)])


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "a", (4,))
    file.create_virtual_dataset("elsewhere", layout)


def strings(file):
    file["words"] = np.array([b"a" * 9] * 3, dtype=object)


def huge(file):
    file.create_dataset("huge", (1 << 40,), "f4", chunks=True)


def inside_itself(file):
    file["layers/again"] = file["layers"]


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (linked, "/elsewhere is a link to elsewhere"),
        (soft, "/elsewhere is a link to elsewhere"),
        (external, "/elsewhere lies in another file"),
        (virtual, "/elsewhere lies in another file"),
        (strings, "/words holds object, expected numbers"),
        (huge, "its arrays take 4398046"),
        (inside_itself, "(is nested too deeply|arrays)"),
    ],
)
def test_what_is_not_plain_is_refused(path, edit, reason):
    with pytest.raises(OptionsError, match=reason):
        weights_file.load(edited(path, edit), stock(seed=2))


def test_a_larger_file_and_a_zip_bomb_are_refused(path):
    content = path.read_bytes() + bytes(64 << 20)
    path.write_bytes(content)
    with pytest.raises(OptionsError, match=f"it has {len(content)} bytes"):
        weights_file.load(path, stock())
    with pytest.raises(OptionsError, match=f"it has {len(content)} bytes"):
        weights_file.load(archive_of(path, content), stock())


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"a" * 999])
@pytest.mark.parametrize("suffix", [".h5", ".weights.h5", ".keras"])
def test_a_broken_file_is_one_line(tmp_path, content, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(OptionsError, match="can't be used") as caught:
        weights_file.load(path, stock())
    assert len(str(caught.value).splitlines()) == 1


def test_weights_of_another_model_are_refused(tmp_path, path):
    with pytest.raises(OptionsError, match="can't be used"):
        weights_file.load(path, stock("conv_lstm"))
    with pytest.raises(OptionsError, match="does not end in"):
        weights_file.load(tmp_path / "a.pickle", stock())
    with pytest.raises(OptionsError, match="No such file"):
        weights_file.load(tmp_path / "missing.h5", stock())
