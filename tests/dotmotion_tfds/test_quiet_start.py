import pytest

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


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("text", ["", "raise ImportError('no library')"])
def test_garbage_is_collected_afterwards_if_it_was_before(tmp_path, enabled, text):
    fake = "import gc; print(gc.isenabled())"
    devices = "from types import SimpleNamespace\n" + (
        "config = SimpleNamespace(list_physical_devices=lambda kind: [])\n"
    )
    (tmp_path / "tensorflow.py").write_text(f"{fake}\n{text}\n{devices}")
    started = python(
        "-c",
        f"import contextlib, gc, sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from dotmotion_tfds import quiet_start\n"
        f"{'gc.enable' if enabled else 'gc.disable'}()\n"
        "with contextlib.suppress(ImportError): quiet_start.import_tensorflow()\n"
        "print(gc.isenabled())",
    )
    assert started.returncode == 0, started.stderr
    assert started.stdout == f"False\n{enabled}\n"
