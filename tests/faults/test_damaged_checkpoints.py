"""Checkpoints that were cut, changed or forged are passed over, and never run code."""

from __future__ import annotations

import io
import json
import pathlib
import shutil
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faults.runs import state, train, weights
from trainers import checkpoints
from trainers.checkpoints import Checkpoint


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("whole") / "run"
    assert train(workdir).returncode == 0
    return workdir


@pytest.fixture
def saved(tmp_path):
    """Two checkpoints, of which the newer one is to be damaged."""
    for step in (1, 2):
        arrays = {"a": np.arange(100 * step, dtype=np.float32), "b": np.int64(step)}
        checkpoints.save(tmp_path, Checkpoint(step, arrays))
    return tmp_path


def forge(folder, content):
    """Puts a file with an honest hash in place of the newest arrays."""
    path = folder / "step_0000000002"
    (path / "state.npz").write_bytes(content)
    manifest = {"step": 2, "sha256": {"state.npz": checkpoints._sha256(path / "state.npz")}}
    (path / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.fault("a checkpoint truncated at every offset", "the one before is used")
@pytest.mark.parametrize("name", ["state.npz", "manifest.json"])
def test_a_cut_anywhere_is_passed_over(saved, name):
    path = saved / "step_0000000002" / name
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        found = checkpoints.load_latest(saved)
        # Behind the last brace nothing is lost.
        assert found.step == 1 or content[:size].strip() == content.strip(), size
    path.write_bytes(content)
    assert checkpoints.load_latest(saved).step == 2


@pytest.mark.fault("arbitrary bytes in place of a checkpoint", "the one before is used")
@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=300), is_zip=st.booleans())
def test_any_bytes_are_passed_over(tmp_path_factory, content, is_zip):
    folder = tmp_path_factory.mktemp("checkpoints")
    try:
        for step in (1, 2):
            checkpoints.save(folder, Checkpoint(step, {"a": np.float32(step)}))
        if is_zip:
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w") as archive:
                archive.writestr("a.npy", content)
            content = buffer.getvalue()
        forge(folder, content)
        assert checkpoints.load_latest(folder).step == 1
    finally:
        shutil.rmtree(folder)


def npz(name, content, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def header(shape, descr="'<f4'"):
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape!r}, }}\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.fault(
    "a forged checkpoint that says to be huge, is a zip bomb or holds a pickle",
    "refused before memory is taken or code is run",
)
@pytest.mark.parametrize(
    "content",
    [
        npz("a.npy", header((1 << 40,)) + bytes(16)),
        npz("a.npy", header((1 << 40, 1 << 40)) + bytes(16)),
        npz("a.npy", header((-4,)) + bytes(16)),
        npz("a.npy", header((1 << 26,)) + bytes(1 << 28), zipfile.ZIP_DEFLATED),
        npz("a.npy", header((2,), "'|O'") + b"c__builtin__\nprint\n(S'ran'\ntR."),
        npz("a.npy", header((2,), "[('x', '|O')]") + bytes(16)),
        npz("a.txt", b"no array"),
    ],
    ids=["huge", "overflowing", "negative", "bomb", "pickle", "record", "no array"],
)
def test_what_is_forged_is_passed_over(saved, content, capsys):
    forge(saved, content)
    assert checkpoints.load_latest(saved).step == 1
    assert "ran" not in capsys.readouterr().out


@pytest.mark.fault(
    "the newest checkpoint of a run is damaged",
    "the run goes on from the one before, says so, and ends with the same weights",
)
def test_a_run_goes_on_from_the_checkpoint_before(whole, tmp_path):
    workdir = tmp_path / "run"
    shutil.copytree(whole, workdir)
    (workdir / "summary.json").unlink()
    path = workdir / "checkpoints" / "step_0000000005" / "state.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    done = train(workdir)
    assert done.returncode == 0
    assert "continuing at step 4" in done.stdout
    assert "passing over the broken checkpoint" in done.stderr
    assert weights(workdir) == weights(whole)
    assert state(workdir) == state(whole)


@pytest.mark.slow
@pytest.mark.fault(
    "planted: hashes that are not compared", "seen by arrays that another run has written"
)
def test_arrays_of_another_run_are_seen_only_where_hashes_are_compared(whole, tmp_path):
    assert train(tmp_path / "other", "--seed=1").returncode == 0
    ended = {}
    for name, strikes in (("right", []), ("planted", ["plant=unchecked_checkpoint"])):
        shutil.copytree(whole, tmp_path / name)
        (tmp_path / name / "summary.json").unlink()
        place = pathlib.Path("checkpoints", "step_0000000005", "state.npz")
        shutil.copy(tmp_path / "other" / place, tmp_path / name / place)
        assert train(tmp_path / name, strikes=strikes).returncode == 0
        ended[name] = weights(tmp_path / name)
    assert ended["right"] == weights(whole)
    assert ended["planted"] == weights(tmp_path / "other")
