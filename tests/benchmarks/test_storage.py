import json

import pytest

from benchmarks import storage
from tests.processes import python


@pytest.mark.slow
def test_the_program_measures_and_writes_every_encoding(tmp_path):
    path = tmp_path / "storage.json"
    options = ["--clips=20", "--repeats=1", f"--json={path}", f"--dir={tmp_path}"]
    done = python("-m", "benchmarks.storage", *options)
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(path.read_text())
    assert list(result["encodings"]) == ["zlib", "raw", "png", "trajectories"]
    sizes = {name: of["bytes_per_clip"] for name, of in result["encodings"].items()}
    assert sizes["trajectories"] < sizes["zlib"] < sizes["png"] < 130_000 < sizes["raw"]
    for figures in result["encodings"].values():
        for kind in ("build", "loop", "write", "read", "verify"):
            assert figures[kind]["clips"] == 20
            assert figures[kind]["clips_per_s"] > 0
        assert figures["read_fraction_of_memcpy"] < 1
    assert result["fingerprint"]["cpus"] >= 1
    assert all(f"{name} " in done.stdout for name in sizes)
    assert [entry.name for entry in tmp_path.iterdir()] == ["storage.json"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--clips=4"], "clips=4"),
        (["--repeats=0"], "repeats=0"),
        (["--json=/nowhere/file"], "--json='/nowhere/file' can't be written"),
        (["--clip=4"], "Did you mean: clips"),
    ],
)
def test_wrong_usage_is_one_line(arguments, message, capsys):
    assert storage.main(["storage", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


def test_help_has_examples(capsys):
    assert storage.main(["storage", "--help"]) == 0
    assert "python -m benchmarks.storage --json=" in capsys.readouterr().out


def test_a_directory_that_is_not_there_is_one_line(capsys):
    assert storage.main(["storage", "--dir=/nowhere", "--clips=5"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
