import json
import textwrap

import pytest

from benchmarks.doctor import __main__ as doctor
from tests.processes import python

MODULE = textwrap.dedent(
    """
    import tensorflow as tf

    def slow(value):
        return tf.reduce_sum(tf.sort(tf.random.stateless_uniform([40_000], (value, 1))))

    def make():
        return tf.data.Dataset.range(1_000_000).map(
            slow, num_parallel_calls=1, name="sort"
        ).batch(8, name="batch")

    def broken():
        def failing(value):
            tf.debugging.assert_less(value, tf.constant(3, tf.int64), "too large")
            return value
        return tf.data.Dataset.range(100).map(failing, name="check").batch(4)

    def wrong():
        return 3

    def raising():
        raise RuntimeError("no data here")
    """
)


@pytest.fixture
def module(tmp_path):
    (tmp_path / "pipelines.py").write_text(MODULE)
    return tmp_path


def test_a_pipeline_is_examined_and_told_in_all_forms(module):
    options = ["--seconds=6", "--json=d.json", "--page=d.html", "--step_ms=0.001"]
    done = python("-m", "benchmarks.doctor", "pipelines:make", *options, cwd=module)
    assert done.returncode == 0, done.stderr
    assert "sort" in done.stdout
    found = json.loads((module / "d.json").read_text())
    assert found["bottleneck"] == "sort"
    assert [stage["name"] for stage in found["stages"]] == ["RangeDataset", "sort", "batch"]
    assert found["stages"][1]["function"] == "slow"
    assert found["stages"][1]["line"] == "pipelines.py:8"
    assert found["examined_s"] < 15
    assert "<title>" in (module / "d.html").read_text()
    assert "WARNING" not in done.stderr


def test_changes_are_written_for_another_process(module):
    options = ["--tune", "--seconds=5", "--emit=options.json"]
    done = python("-m", "benchmarks.doctor", "pipelines.py:make", *options, cwd=module)
    assert done.returncode == 0, done.stderr
    assert "+ parallel map" in done.stdout
    settings = json.loads((module / "options.json").read_text())
    assert "parallel map" in [each["kind"] for each in settings["rewrites"]]
    program = (
        "import pipelines; from benchmarks import doctor;"
        "made = doctor.apply(pipelines.make(), 'options.json');"
        "print([float(x) for x in next(iter(made))]"
        "== [float(x) for x in next(iter(pipelines.make()))])"
    )
    done = python("-c", program, cwd=module)
    assert done.stdout.strip() == "True", done.stderr


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("broken", "check failing (pipelines.py:16) fails"),
        pytest.param(
            "wrong", "gives a int: expected a tf.data.Dataset", marks=pytest.mark.slow
        ),
        pytest.param("raising", "RuntimeError: no data here", marks=pytest.mark.slow),
    ],
)
def test_a_failure_is_told_as_the_users(module, name, text):
    done = python("-m", "benchmarks.doctor", f"pipelines:{name}", "--seconds=5", cwd=module)
    assert done.returncode == 1
    assert text in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "arguments expected"),
        (["pipelines"], "'pipelines' names no function: expected PACKAGE.MODULE:FUNCTION"),
        (["a b:make"], "'a b' is no module"),
        (["none.py:make"], "'none.py' is no file"),
        (["os:getcwd", "--seconds=1"], "--seconds=1 is out of range: expected 5 to 3,600"),
        (
            ["os:getcwd", "--step_ms=0"],
            "--step_ms=0 is out of range: expected a positive number",
        ),
        (["os:getcwd", "--replicas=0"], "--replicas=0: expected 1 to 1,000,000"),
        (["os:getcwd", "--replicas=2"], "--replicas needs --accelerator_step_ms"),
        (["os:getcwd", "--emit=x.json"], "add --tune"),
        (["os:getcwd", "--tune", "--page=x.html"], "--page is of an examination"),
        (["os:getcwd", "--json=/nowhere/x"], "--json='/nowhere/x' can't be written"),
    ],
)
def test_wrong_usage_is_one_line(arguments, message, capsys):
    assert doctor.main(["doctor", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("no_such_module:make", "can't be imported: ModuleNotFoundError"),
        ("json:no_such_function", "has no function 'no_such_function': it has"),
    ],
)
def test_what_can_not_be_imported_is_one_line(target, message, capsys):
    assert doctor.main(["doctor", target]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_help_has_examples(capsys):
    assert doctor.main(["doctor", "--help"]) == 0
    assert "my_project.input:make_dataset --step_ms=25" in capsys.readouterr().out
