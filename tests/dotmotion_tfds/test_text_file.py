import pytest

from dotmotion_tfds import text_file
from dotmotion_tfds.spec import SpecError


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    text_file.write(path, "new ±")
    assert path.read_text(encoding="utf-8") == "new ±"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_can_not_be_replaced_leaves_nothing(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        text_file.write(tmp_path / "folder", "text")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("given", ["", "/nowhere/page.html", "/tmp"])
def test_a_place_where_nothing_can_be_written_is_one_line(given):
    with pytest.raises(SpecError, match=f"--out='{given}' can't be written"):
        text_file.require_place("out", given)
