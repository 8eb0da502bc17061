"""Stages that work on several elements at once."""

from benchmarks.doctor import candidates, catalogue, combining, parallel_rewrites
from tests.benchmarks.doctor.rewritable import AUTO, kinds, numbers, random, view_of, widen


def test_numbers_of_calls_are_set():
    dataset = numbers().map(widen, num_parallel_calls=1)
    view = view_of(dataset)
    changed, made = catalogue.apply(view.pipeline, parallel_rewrites.find(view))
    assert len(made) == 1
    assert int(changed.constant(changed.nodes[-1].tag, "num_parallel_calls")) == 4


def test_maps_that_draw_random_numbers_could_be_parallel_if_their_author_wants():
    (rewrite,) = parallel_rewrites.find(view_of(numbers().map(random)))
    assert rewrite.kind == "parallel map"
    assert rewrite.alters
    changed = parallel_rewrites.apply(view_of(numbers().map(random)).pipeline, rewrite)
    assert [node.op for node in changed.nodes] == ["RangeDataset", "ParallelMapDatasetV2"]
    view = view_of(numbers().map(random))
    wanted = candidates.Candidate(rewrite, 9.0, ())
    assert combining.combine(view, [wanted], seconds=1.0).rewrites == ()
    assert kinds(parallel_rewrites, numbers().map(random, num_parallel_calls=AUTO)) == []
