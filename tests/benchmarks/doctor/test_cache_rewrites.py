"""Caches that are put in, moved, or kept in memory instead of a file."""

import tensorflow as tf

from benchmarks.doctor import cache_rewrites, candidates, combining, proof
from benchmarks.doctor.isolation import Alone
from tests.benchmarks.doctor.rewritable import WIDE, numbers, random, view_of, widen


def test_random_elements_are_never_kept():
    view = view_of(numbers().map(random).batch(4).repeat())
    found = cache_rewrites.find(view)
    assert all("#1" not in tag for each in found for tag in each.tags)


def test_each_branch_that_begins_anew_is_looked_at():
    kept = numbers().map(widen, name="kept").cache().repeat()
    anew = numbers().map(widen, name="anew").repeat(name="repeat")
    view = view_of(tf.data.Dataset.sample_from_datasets([kept, anew], seed=2))
    found = [each for each in cache_rewrites.find(view) if each.kind == "cache"]
    assert [view.node(each.tags[0]).name for each in found] == ["anew"]
    changed = cache_rewrites.apply(view.pipeline, found[0])
    assert proof.compare(view.pipeline, changed).holds


def test_a_cache_in_a_file_could_be_one_in_memory(tmp_path):
    view = view_of(WIDE.cache(str(tmp_path / "cache"), name="cache").batch(7).repeat(2))
    (rewrite,) = [each for each in cache_rewrites.find(view) if "memory" in each.kind]
    changed = cache_rewrites.apply(view.pipeline, rewrite)
    assert changed.constant(rewrite.tags[0], "filename").item() == b""
    assert proof.compare(view.pipeline, changed).holds
    assert not list(tmp_path.iterdir())
    # The author may want the file.
    wanted = candidates.Candidate(rewrite, 9.0, ())
    assert combining.combine(view, [wanted], seconds=1.0).rewrites == ()


def test_large_data_is_not_kept():
    huge = Alone(element_s=1e-3, cpu_s=1e-3, bytes=1e12, inputs_per_output=1.0)
    assert cache_rewrites.find(view_of(WIDE.batch(7).repeat(2), huge)) == []
    assert cache_rewrites.find(view_of(numbers().repeat().map(widen))) == []
