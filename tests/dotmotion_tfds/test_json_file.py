import json
import os

import pytest

from dotmotion_tfds import json_file


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "file.json"
    for value in ({"a": [1, None, "\u00fc"]}, {"b": 0.5}):
        json_file.write(path, value)
        assert json.loads(path.read_text(encoding="utf-8")) == value
    assert list(tmp_path.iterdir()) == [path]


def test_a_value_that_is_no_json_leaves_the_earlier_file(tmp_path):
    path = tmp_path / "file.json"
    json_file.write(path, [1])
    with pytest.raises(TypeError):
        json_file.write(path, [object()])
    assert path.read_text() == "[\n  1\n]\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_while_renaming_leaves_the_earlier_file(tmp_path, monkeypatch):
    path = tmp_path / "file.json"
    json_file.write(path, [1])

    def fail(source, target):
        raise OSError("no")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no"):
        json_file.write(path, [2])
    assert json.loads(path.read_text()) == [1]
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed(tmp_path):
    (tmp_path / "link").symlink_to("file.json")
    json_file.write(tmp_path / "link", [1])
    assert (tmp_path / "link").is_symlink()
    assert json.loads((tmp_path / "file.json").read_text()) == [1]


def test_what_is_no_regular_file_is_left_alone(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe"):
        with pytest.raises(OSError, match="not a regular file"):
            json_file.write(tmp_path / name, [1])
    assert (tmp_path / "pipe").is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "pipe"]


def test_a_directory_that_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        json_file.write(tmp_path / "missing" / "file.json", [1])
    assert not list(tmp_path.iterdir())
