"""Compiling and loading, in processes of their own."""

import os
import pathlib
import shutil
import stat
import textwrap

import pytest

from dotmotion_tfds.native import clips
from tests.processes import python
from trainers.kernels import library

# Prints why there are no kernels, and what a layer gives with or without them.
PROGRAM = textwrap.dedent(
    """
    import numpy as np, keras
    from trainers import layers
    from trainers.kernels import library
    frames = np.random.default_rng(0).random((2, 6, 5, 1), np.float32)
    layer = layers.Conv2D(3, 3, padding="same", activation="relu", pool_size=2)
    layer.build(frames.shape)
    layer.set_weights([np.full(weight.shape, 0.1) for weight in layer.get_weights()])
    print(library.load().absence or "loaded", "|", float(np.sum(layer(frames))))
    """
)


def outcome(**env):
    done = python("-c", PROGRAM, env=env)
    assert done.returncode == 0, done.stderr
    absence, _, total = done.stdout.strip().rpartition(" | ")
    return absence, float(total)


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture
def compiler(tmp_path):
    """A compiler that notes each run, and hurries."""
    real = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))))
    runs = tmp_path / "runs"
    text = f'echo run >> {runs}\nexec {real} "$@" -O0'
    return script(tmp_path / "compiler", text), lambda: len(runs.read_text().split())


def test_these_tests_run_with_kernels():
    for each in (library, clips.LIBRARY):
        assert each.load().absence == ""
        assert each.is_ready()


def test_a_library_is_compiled_once_and_mended_if_broken(tmp_path, compiler):
    path, runs = compiler
    env = {"CXX": path, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    first = outcome(**env)
    assert first[0] == "loaded"
    assert outcome(**env) == first
    assert runs() == 1
    (made,) = (tmp_path / "cache" / "dotmotion").iterdir()
    made.write_bytes(b"broken")
    assert outcome(**env) == first
    assert runs() == 2
    assert [made] == list((tmp_path / "cache" / "dotmotion").iterdir())


@pytest.mark.slow
def test_without_a_place_to_keep_it_each_process_compiles(tmp_path, compiler):
    path, runs = compiler
    (tmp_path / "cache").write_text("a file")
    env = {"CXX": path, "XDG_CACHE_HOME": str(tmp_path / "cache"), "TMPDIR": str(tmp_path)}
    assert outcome(**env)[0] == "loaded"
    assert runs() == 1
    assert not list(tmp_path.glob("dotmotion-*"))


@pytest.mark.slow
def test_layers_do_without_kernels(tmp_path):
    expected = pytest.approx(outcome()[1], rel=1e-6)
    broken = script(tmp_path / "broken", "echo 'x.cc:1: error: out of luck' >&2; exit 3")
    for env, absence in [
        ({"DOTMOTION_KERNELS": "off"}, "DOTMOTION_KERNELS turns them off"),
        ({"CXX": "no-such-compiler"}, "no C++ compiler was found (CXX='no-such-compiler')"),
        ({"PATH": ""}, "no C++ compiler was found (c++ or g++ or clang++): install g++"),
        ({"CXX": broken}, f"{broken} failed: x.cc:1: error: out of luck"),
    ]:
        env.setdefault("XDG_CACHE_HOME", str(tmp_path))
        if "CXX" not in env and "PATH" in env and "CXX" in os.environ:
            env["CXX"] = ""
        found = outcome(**env)
        assert found[0].startswith(absence)
        assert found[1] == expected
    assert not list(pathlib.Path(tmp_path).glob("dotmotion/*"))
