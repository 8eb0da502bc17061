import pytest
import tensorflow as tf

from benchmarks.doctor import (
    building,
    candidates,
    catalogue,
    choosing,
    graphs,
    trials,
    tuning,
)

SECONDS = 2.0


def heavy(value):
    noise = tf.random.stateless_uniform([20_000], (value, 1))
    return tf.reduce_sum(tf.sort(noise))


def opened(start):
    return tf.data.Dataset.range(start, start + 7)


def tuned(monkeypatch, trial, kinds=("parallel map", "parallel interleave", "prefetch")):
    """A dataset that is tuned with changes of some kinds, of which a trial is told."""
    dataset = tf.data.Dataset.range(200).flat_map(opened).map(heavy).batch(4)

    def found(view, *_, **__):
        return [
            candidates.Candidate(each, 1.3, ())
            for each in catalogue.find(view)
            if each.kind in kinds
        ]

    monkeypatch.setattr(choosing.trials, "compare", trial)
    monkeypatch.setattr(tuning.candidates, "find", found)
    return tuning.find(dataset, seconds=SECONDS)


def calls(pipeline):
    """Numbers of parallel calls of its maps."""
    return [
        int(pipeline.constant(node.tag, "num_parallel_calls"))
        for node in pipeline.nodes
        if node.op == "ParallelMapDatasetV2"
    ]


def has(pipeline, name):
    return any(node.op.startswith(name) for node in pipeline.nodes)


def gains(*ratios):
    return trials.Tried(tuple(trials.Gain(each, each) for each in ratios))


def test_a_reader_is_tried_with_and_without_threads_of_its_own(monkeypatch):
    """Where it is fast, they cost more than they gain behind another change."""
    tried = []

    def trial(pipeline, others, **_):
        reading = [has(each, "ParallelInterleave") for each in (pipeline, *others)]
        tried.append(reading)
        if len(tried) > 1:
            return gains(*(1.0 for _ in others))
        return gains(0.5, *(0.9 if each else 1.3 for each in reading[2:]))

    kinds = {each.kind for each in tuned(monkeypatch, trial).rewrites}
    assert tried[0][0], "what the model thinks best comes first"
    assert not all(tried[0][2:])
    assert "parallel map" in kinds
    assert "parallel interleave" not in kinds


@pytest.mark.parametrize("gain", [1.01, 1.2])
def test_other_numbers_are_taken_only_if_they_are_clearly_faster(monkeypatch, gain):
    tried = []

    def trial(pipeline, others, **_):
        tried.append([calls(each) for each in (pipeline, *others)])
        if len(tried) == 1:
            return gains(*(0.5 for _ in others))
        return gains(*(gain if calls(each) == [1] else 0.9 for each in others))

    monkeypatch.setattr(tuning.timing, "cores", lambda: 1)
    found = tuned(monkeypatch, trial, ("parallel map", "prefetch"))
    assert tried[0][0] == tried[1][0] == [2]
    taken = 1 if gain > 1.1 else 2
    assert calls(found.pipeline) == [taken]
    assert [
        each.arguments["num_parallel_calls"]
        for each in found.rewrites
        if each.kind == "parallel map"
    ] == [taken]
    assert f"num_parallel_calls={taken})" in found.diff


def test_what_is_no_faster_is_left_as_it_is(monkeypatch):
    def trial(pipeline, others, **_):
        return gains(1.2, *(1.1 for _ in others[1:]))

    found = tuned(monkeypatch, trial)
    assert found.rewrites == ()
    assert found.pipeline is found.original
    assert "no faster" in found.diff


def test_what_can_not_be_run_is_not_chosen(monkeypatch):
    def trial(pipeline, others, **_):
        return trials.Tried(tuple(None for _ in others), runs=False)

    assert tuned(monkeypatch, trial).rewrites == ()


def test_what_fails_as_it_is_does_not_hold_back_the_rest(monkeypatch):
    def trial(pipeline, others, **_):
        return trials.Tried(tuple(None for _ in others))

    assert tuned(monkeypatch, trial).rewrites != ()


def test_other_numbers_are_proved_too(monkeypatch):
    """A planted fault: with fewer calls, an element is lost."""
    apply = catalogue.apply

    def losing(pipeline, wanted):
        changed, made = apply(pipeline, wanted)
        if 1 in (each.arguments.get("num_parallel_calls") for each in made):
            changed = graphs.read(building.build(changed).skip(1))
        return changed, made

    def trial(pipeline, others, **_):
        return gains(*(0.5 if has(each, "Map") else 2.0 for each in others))

    monkeypatch.setattr(tuning.timing, "cores", lambda: 1)
    monkeypatch.setattr(choosing.catalogue, "apply", losing)
    found = tuned(monkeypatch, trial, ("parallel map",))
    assert calls(found.pipeline) == [2]
