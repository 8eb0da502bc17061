"""The real program, and the real validator in a process of its own."""

import hashlib
import json
import shutil

import mlcroissant
import pytest

from dotmotion_tfds import CLASS_NAMES, croissant
from dotmotion_tfds.moving_dot.moving_dot_dataset_builder import Builder
from tests.processes import MLCROISSANT, python, run

COLOUR = (
    '{"frames": 2, "height": 8, "width": 9, "dot_size": 2, "noise": 0.25, "channels": 3}'
)
CONFIGS = ("notebook", "notebook_png", "notebook_raw", "notebook_trajectories", COLOUR)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    """A root with built configs of every encoding."""
    data_dir = tmp_path_factory.mktemp("pristine")
    for config in CONFIGS:
        Builder(config=config, data_dir=data_dir).download_and_prepare()
    return data_dir


@pytest.fixture
def data_dir(pristine, tmp_path):
    """A copy of it to write to."""
    return shutil.copytree(pristine, tmp_path / "data")


def folder_of(data_dir, config="notebook"):
    return data_dir / "moving_dot" / config / "1.0.0"


def test_the_documents_of_all_datasets_pass_the_validator(data_dir, tmp_path):
    done = python("-m", "dotmotion_tfds.croissant", f"--data_dir={data_dir}")
    assert (done.returncode, done.stderr) == (0, "")
    paths = sorted(data_dir.glob("moving_dot/*/*/croissant.json"))
    assert len(paths) == len(CONFIGS)
    assert done.stdout.splitlines() == [str(path) for path in paths]
    for path in paths:
        checked = run([MLCROISSANT, "validate", "--jsonld", str(path)], cwd=tmp_path)
        assert checked.returncode == 0, checked.stderr
        assert "Done." in checked.stderr
        assert "warning" not in (checked.stdout + checked.stderr).lower()
        classes = mlcroissant.Dataset(path).records("classes")
        assert [one["classes/name"] for one in classes] == list(CLASS_NAMES)
        document = json.loads(path.read_text(encoding="utf-8"))
        fields = {field["@id"] for field in document["recordSet"][2]["field"]}
        has_frames = "trajectories" not in document["name"]
        assert ("clips/video" in fields, "clips/centers" in fields) == (has_frames, True)
        for one in document["distribution"]:
            if one["@type"] == "cr:FileObject":
                content = (path.parent / one["contentUrl"]).read_bytes()
                assert one["sha256"] == hashlib.sha256(content).hexdigest()


def test_the_validator_would_have_complained(data_dir):
    assert croissant.main(["croissant", f"--data_dir={data_dir}"]) == 0
    path = folder_of(data_dir) / "croissant.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    del document["license"]
    path.write_text(json.dumps(document))
    checked = run([MLCROISSANT, "validate", "--jsonld", str(path)])
    assert "warning" in checked.stderr
    document["recordSet"][0]["data"][0]["classes/what"] = 1
    path.write_text(json.dumps(document))
    checked = run([MLCROISSANT, "validate", "--jsonld", str(path)])
    assert checked.returncode == 1


@pytest.mark.slow
def test_every_run_writes_the_same_bytes(data_dir, pristine, tmp_path):
    contents = set()
    for seed, options in enumerate(
        ([f"--data_dir={data_dir}"], [f"--data_dir={pristine}", f"--out={data_dir}"])
    ):
        command = ["-m", "dotmotion_tfds.croissant", "--config=notebook", *options]
        done = python(*command, env={"PYTHONHASHSEED": str(seed)})
        assert done.returncode == 0, done.stderr
        contents.add((folder_of(data_dir) / "croissant.json").read_bytes())
    assert len(contents) == 1


def test_another_root_to_write_to(pristine, tmp_path, capsys):
    before = sorted(pristine.rglob("*"))
    arguments = [f"--data_dir={pristine}", "--config=notebook", "--url=https://example.org"]
    assert croissant.main(["croissant", *arguments, f"--out={tmp_path / 'new'}"]) == 0
    path = folder_of(tmp_path / "new") / "croissant.json"
    assert capsys.readouterr().out == f"{path}\n"
    assert json.loads(path.read_text(encoding="utf-8"))["url"] == "https://example.org"
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == [path]
    assert sorted(pristine.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("moving_dot-test*", lambda path: path.unlink(), "-00000-of-00001 is missing"),
        ("moving_dot-train*", lambda path: path.write_bytes(b""), "is empty"),
        (
            "moving_dot-test*",
            lambda path: path.write_bytes(path.read_bytes()[:-1]),
            "split 'test' has ",
        ),
        ("features.json", lambda path: path.unlink(), "unreadable metadata"),
        ("dataset_info.json", lambda path: path.write_text("{\n"), "unreadable metadata"),
        ("label.labels.txt", lambda path: path.unlink(), "label.labels.txt"),
    ],
)
def test_an_incomplete_dataset_is_one_line(name, change, message, data_dir, capsys):
    (path,) = folder_of(data_dir).glob(name)
    change(path)
    arguments = [f"--data_dir={data_dir}", "--config=notebook"]
    assert croissant.main(["croissant", *arguments]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
    assert not list(data_dir.rglob("*croissant*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--data_dir is missing"),
        (["--data_dir=/nowhere"], "no built moving_dot under '/nowhere'"),
        (["--data_dir={data_dir}", "--config=x"], "no built moving_dot of config 'x'"),
        (["--data_dir={data_dir}", "--out="], "--out is empty"),
        (["--data_dir={data_dir}", "--url=example"], "--url='example' is not usable"),
        (["--dir=/nowhere"], "Unknown command line flag 'dir'"),
    ],
)
def test_wrong_usage_is_one_line_and_leaves_nothing(
    arguments, message, data_dir, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    arguments = [argument.format(data_dir=data_dir) for argument in arguments]
    assert croissant.main(["croissant", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
    assert not list(tmp_path.rglob("*croissant*"))


def test_a_root_that_cant_be_written_is_one_line(data_dir, tmp_path, capsys):
    (tmp_path / "file").write_text("kept")
    arguments = [f"--data_dir={data_dir}", f"--out={tmp_path / 'file'}"]
    assert croissant.main(["croissant", *arguments]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "see --out" in err
    assert (tmp_path / "file").read_text() == "kept"


def test_help_has_examples(capsys):
    assert croissant.main(["croissant", "-h"]) == 0
    assert "python -m dotmotion_tfds.croissant --data_dir=/data" in capsys.readouterr().out
