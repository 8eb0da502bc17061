"""Options that hold a pipeline back."""

import tensorflow as tf

from benchmarks.doctor import (
    building,
    candidates,
    combining,
    proof,
    rewrites,
    setting_rewrites,
)
from benchmarks.doctor.isolation import Alone
from tests.benchmarks.doctor.rewritable import WIDE, kinds, numbers, view_of, widen


def test_options_that_hold_back_are_found_and_lifted():
    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1
    dataset = WIDE.with_options(options).prefetch(1)
    view = view_of(dataset)
    (rewrite,) = [each for each in setting_rewrites.find(view) if each.kind == "options"]
    assert "autotune is off" in rewrite.reason
    assert "a pool of 1 threads for 2 processors" in rewrite.reason
    changed = setting_rewrites.apply(view.pipeline, rewrite)
    assert proof.compare(view.pipeline, changed).holds
    lifted = rewrites.options_of(
        rewrites.View(changed, tuple(changed.nodes), {}, {}, cores=2)
    )
    assert lifted.autotune.enabled
    assert lifted.threading.private_threadpool_size == 2
    assert lifted.threading.max_intra_op_parallelism is None, "it was not amiss"
    assert kinds(setting_rewrites, WIDE) == []


def test_an_order_that_costs_is_told_but_never_changed_by_itself():
    waiting = Alone(element_s=2e-3, cpu_s=1e-4, bytes=8, inputs_per_output=1.0)
    view = view_of(numbers().map(widen, num_parallel_calls=4).prefetch(1), waiting)
    (rewrite,) = setting_rewrites.find(view)
    assert rewrite.kind == "deterministic off"
    assert rewrite.alters == "the order of elements"
    changed = setting_rewrites.apply(view.pipeline, rewrite)
    found = sorted(float(each[0]) for each in building.build(changed))
    assert found == [float(number) for number in range(48)]
    candidate = candidates.Candidate(rewrite, 9.0, ())
    assert combining.combine(view, [candidate], seconds=0.2).rewrites == ()
