import pytest
import tensorflow_datasets as tfds

from dotmotion_tfds import SpecError
from dotmotion_tfds.command_line import UsageError
from dotmotion_tfds.files import built_datasets
from dotmotion_tfds.moving_dot.moving_dot_dataset_builder import Builder


def make_folders(root, *names):
    for name in names:
        (root / name).mkdir(parents=True)
        (root / name / "dataset_info.json").write_text("{}")
    return [root / name for name in names]


def test_datasets_are_found_in_order(tmp_path):
    first, second, third = make_folders(
        tmp_path,
        "moving_dot/notebook/1.0.0",
        "moving_dot/standard/1.0.0",
        "moving_dot/standard/1.1.0",
    )
    make_folders(tmp_path, "mnist/3.0.1", "other/standard/1.0.0")
    (tmp_path / "moving_dot" / "empty" / "1.0.0").mkdir(parents=True)
    found = built_datasets.find_datasets
    assert found(str(tmp_path), None) == [first, second, third]
    assert found(str(tmp_path), "standard") == [second, third]


def test_the_home_directory_has_its_short_name(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    folders = make_folders(tmp_path, "data/moving_dot/standard/1.0.0")
    assert built_datasets.find_datasets("~/data", None) == folders


@pytest.mark.parametrize(
    ("data_dir", "config", "message"),
    [
        (None, None, "--data_dir is missing"),
        ("/nowhere", None, "no built moving_dot under '/nowhere'"),
        ("/nowhere", "x", "no built moving_dot of config 'x' under '/nowhere'"),
        ("~nobody-of-that-name", None, "no built moving_dot"),
    ],
)
def test_nothing_to_find(data_dir, config, message):
    with pytest.raises(UsageError) as caught:
        built_datasets.find_datasets(data_dir, config)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_dataset_is_opened(tmp_path):
    limit = tfds.download.DownloadConfig(max_examples_per_split=1)
    Builder(config="notebook", data_dir=tmp_path).download_and_prepare(
        download_config=limit
    )
    (folder,) = built_datasets.find_datasets(str(tmp_path), None)
    assert built_datasets.open_dataset(folder).info.config_name == "notebook"
    for name, content in (("features.json", None), ("dataset_info.json", "{\n")):
        if content is None:
            (folder / name).unlink()
        else:
            (folder / name).write_text(content)
        with pytest.raises(SpecError) as caught:
            built_datasets.open_dataset(folder)
        assert "unreadable metadata" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_reason_of_several_lines_becomes_one(tmp_path, monkeypatch):
    def fail(folder):
        raise ValueError("first\n  second\n")

    monkeypatch.setattr(tfds, "builder_from_directory", fail)
    folder = tmp_path / "1.0.0"
    folder.mkdir()
    (folder / "features.json").write_text("{}")
    with pytest.raises(SpecError) as caught:
        built_datasets.open_dataset(folder)
    reason = "unreadable metadata (first second)"
    assert str(caught.value) == reason


def test_a_root_that_can_not_be_looked_into_is_one_line():
    # Python 3.13 finds nothing there instead.
    with pytest.raises(UsageError, match="--data_dir"):
        built_datasets.find_datasets("d" * 1000, None)
