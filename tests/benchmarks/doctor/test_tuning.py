import numpy as np
import pytest
import tensorflow as tf

from benchmarks import doctor
from benchmarks.doctor import (
    building,
    catalogue,
    combining,
    graphs,
    proof,
    settings_file,
    tuning,
)
from benchmarks.series import ResultError
from tests.benchmarks.doctor.awkward import HARD
from tests.benchmarks.doctor.misconfigured import CASES, FINE

SECONDS = 2.0
# Each is tuned for seconds; the others are slow.
FIRST = (
    "clips_one_by_one",
    "filter_after_heavy_map",
    "heavy_filter",
    "float_before_batch",
    "no_cache",
    "batch_unbatch_batch",
    "tiny_map_between_batches",
    "python_generator",
)
WHOLE = [case for case in HARD if not case.fails_at and case.is_repeatable]


def values(dataset, count=12):
    return [
        [
            part.numpy()
            for part in tf.nest.flatten(each, expand_composites=True)
            if part.dtype not in (tf.variant, tf.resource)
        ]
        for each in dataset.take(count)
    ]


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case, id=case.name, marks=[] if case.name in FIRST else [pytest.mark.slow]
        )
        for case in (*CASES, *FINE, *WHOLE)
    ],
)
def test_elements_and_their_order_stay(case, tmp_path):
    make_dataset = case.make(tmp_path)
    original = make_dataset()
    tuned = doctor.tune(original, seconds=SECONDS)
    assert tuned.element_spec == original.element_spec
    old, new = values(make_dataset()), values(tuned)
    assert len(old) == len(new)
    for left, right in zip(old, new, strict=True):
        for one, other in zip(left, right, strict=True):
            np.testing.assert_array_equal(one, other)


def heavy(value):
    noise = tf.random.stateless_uniform([20_000], (value, 1))
    return tf.reduce_sum(tf.sort(noise))


def random(value):
    return tf.cast(value, tf.float32) + tf.random.uniform([])


def test_a_shuffle_is_the_same_in_every_pass():
    def make():
        return tf.data.Dataset.range(60).map(heavy).shuffle(30, seed=7).batch(4)

    original, tuned = make(), doctor.tune(make(), seconds=SECONDS)
    for _ in range(2):
        for one, other in zip(original, tuned, strict=True):
            np.testing.assert_array_equal(one, other)


def test_what_can_not_be_changed_is_told():
    told = []
    dataset = tf.data.Dataset.range(1000).map(random).map(heavy_of_float).batch(8)
    doctor.tune(dataset, seconds=SECONDS, report=told.append)
    assert "depends on a state" in told[0]
    told.clear()
    python = tf.data.Dataset.range(1000).map(
        lambda each: tf.py_function(lambda value: value, [each], tf.int64)
    )
    doctor.tune(python, seconds=SECONDS, report=told.append)
    assert "runs Python code" in told[0]


def heavy_of_float(value):
    return tf.reduce_sum(tf.sort(value * tf.range(20_000.0)))


@pytest.mark.parametrize("name", ["empty", "failing_assertion", "failing_python"])
def test_what_does_not_run_is_given_back(name, tmp_path):
    (case,) = (case for case in HARD if case.name == name)
    dataset = case.make(tmp_path)()
    told = []
    tuned = doctor.tune(dataset, seconds=SECONDS, report=told.append)
    if told:
        assert "left as it is: " in told[0] or tuned is not dataset


def test_a_rewrite_that_alters_elements_is_refused(monkeypatch):
    """A planted fault: what should only parallelise also drops elements."""
    dataset = tf.data.Dataset.range(200).map(heavy, num_parallel_calls=1).batch(4)
    broken = catalogue.parallel_rewrites.apply

    def dropping(pipeline, rewrite):
        changed = broken(pipeline, rewrite)
        return graphs.read(building.build(changed).skip(1))

    monkeypatch.setattr(catalogue.parallel_rewrites, "apply", dropping)
    found = tuning.find(dataset, seconds=SECONDS)
    assert not {"parallel map", "parallel batch"} & {each.kind for each in found.rewrites}
    assert any(line.startswith("no parallel map: element 0") for line in found.left)
    assert proof.compare(found.original, found.pipeline).holds


def test_a_proof_without_elements_is_none(monkeypatch):
    dataset = tf.data.Dataset.range(200).map(heavy, num_parallel_calls=1).batch(4)
    nothing = proof.Proof(0, False, "")
    monkeypatch.setattr(combining.proof, "compare", lambda *_, **__: nothing)
    assert tuning.find(dataset, seconds=SECONDS).rewrites == ()


def test_settings_are_applied_to_the_same_pipeline_only(tmp_path):
    def make():
        return tf.data.Dataset.range(200).map(heavy, num_parallel_calls=1).batch(4)

    path = tmp_path / "options.json"
    found = tuning.find(make(), seconds=SECONDS)
    settings_file.write(path, found.original, found)
    applied = doctor.apply(make(), path)
    calls = [node.op for node in graphs.read(applied).nodes]
    assert "ParallelMapDatasetV2" in calls
    for one, other in zip(make(), applied, strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ResultError, match="is for a pipeline of RangeDataset, "):
        doctor.apply(tf.data.Dataset.range(3), path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "holds no settings"),
        ("no JSON", "holds no settings"),
        (None, "can't be read"),
    ],
)
def test_a_file_without_settings_is_one_line(text, message, tmp_path):
    path = tmp_path / "options.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ResultError, match=message):
        doctor.apply(tf.data.Dataset.range(3), path)
