from tests.processes import python

SHOW = "import tensorflow as tf; print(len(tf.config.list_physical_devices('CPU')))"


def test_tensorflow_starts_without_a_line():
    quiet = python(
        "-c", f"from dotmotion_tfds import quiet_start as q; q.import_tensorflow(); {SHOW}"
    )
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "1\n", "")


def test_a_failing_import_is_shown_with_what_it_printed(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os; os.write(2, b'printed by C\\n'); raise ImportError('no library')"
    )
    failed = python(
        "-c",
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from dotmotion_tfds import quiet_start\nquiet_start.import_tensorflow()",
    )
    assert failed.returncode == 1
    assert "printed by C" in failed.stderr
    assert "ImportError: no library" in failed.stderr
