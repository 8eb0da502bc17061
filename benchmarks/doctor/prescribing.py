"""From what could be changed to what is prescribed: only what is measured to gain."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence

from benchmarks.doctor import (
    advice,
    candidates,
    combining,
    costs,
    memory_advice,
    padding_advice,
    parallel_rewrites,
    prefetch_rewrites,
    queueing,
    trials,
    vectorised_rewrites,
    window_rewrites,
)
from benchmarks.doctor.candidates import Candidate
from benchmarks.doctor.diagnosis import Prescription
from benchmarks.doctor.isolation import Isolated
from benchmarks.doctor.queueing import Cost
from benchmarks.doctor.rewrites import Rewrite, View
from benchmarks.doctor.timing import Timing

# What is not measured to gain this is no prescription, and the pipeline is fine.
LEAST_GAIN = 1.1
# In the worst round, so that chance alone prescribes nothing.
SURE_GAIN = 1.02
# Where there was time for one round only.
_LEAST_ONCE = 1.5
# What gains only together is prescribed for more, and so is a number of calls in place of
# AUTOTUNE, which loses as much as long as it looks for it.
_LEAST_BY_TRIAL, _SURE_BY_TRIAL = 1.2, 1.1
# Rewrites that are tried, the most promising first.
_MOST_TRIED = 6
# Whose gain the model of queues does not tell.
_UNTOLD = ("shuffle earlier", "skip earlier", "rebatch", "deterministic off")
_LEAST_SHARE = 0.3
# What was slower alone is faster in the whole pipeline by chance.
_NO_LOSS = 0.95
# Parts of the time: measuring stages anew, proofs, trials.
_FINDING, _PROVING, _TRYING = 0.3, 0.06, 0.64
_MOST_PROOF_SECONDS = 2.0


@dataclasses.dataclass(frozen=True)
class Prescribed:
    """What would mend a pipeline.

    Attributes:
      prescriptions: first what only the author can change in the code, then the rest by
        gain, then settings of the process.
      tuned_gain: rate of the pipeline that `tune` makes over the rate now, or None.
      spread: of the unchanged pipeline's rates, over their median.
    """

    prescriptions: tuple[Prescription, ...]
    tuned_gain: float | None
    spread: float


def prescribe(
    view: View,
    now: Sequence[Cost],
    isolated: Isolated,
    *,
    whole: Timing,
    seconds: float,
    folder: str,
) -> Prescribed:
    """Finds what could be changed, and tries what is promising.

    Args:
      view: the pipeline.
      now: what its stages cost as it runs.
      isolated: elements that were kept of each stage.
      whole: of the pipeline as it runs.
      seconds: for all of it.
      folder: a directory for file caches.
    """
    found = candidates.find(
        view, now, isolated, seconds=seconds * _FINDING, measured_s=whole.element_s
    )
    proof_s = min(_MOST_PROOF_SECONDS, seconds * _PROVING)
    tuned = combining.combine(view, found, seconds=proof_s)
    promising = _promising(view, now, found)
    tried = trials.run(
        view.pipeline,
        # There is always time for the first.
        [tuned.rewrites] + [(each.rewrite,) for each in promising],
        seconds=seconds * _TRYING,
        pass_elements=view.pass_elements(),
        folder=folder,
        least=SURE_GAIN,
        is_strict=True,
    )
    together, *gains = tried.gains
    # One run in a thread took 5.2 to 8.0 ms an element within half a minute: a run as a
    # whole and turns in trials count alike.
    in_trials_s = statistics.median(tried.unchanged_s or [whole.element_s])
    slower = math.sqrt(in_trials_s / whole.element_s)
    sure = [
        (each, gain)
        for each, gain in zip(promising, gains, strict=True)
        if gain is not None
        and _is_sure(gain, *_least(view, each.rewrite))
        and _lasts(view, each.rewrite, gain, whole, tried)
    ]
    measured = [
        prescription(
            view,
            each.rewrite,
            each.gain * slower if each.is_measured else each.gain,
            gain.median,
            tuned.rewrites,
        )
        for each, gain in sure
    ]
    measured.sort(key=lambda each: -(each.measured_gain or 0.0))
    prescribed: Sequence[Rewrite] = [each.rewrite for each, _ in sure]
    if not measured and together is not None:
        measured = _together(view, found, tuned.rewrites, together)
        prescribed = tuned.rewrites if measured else ()
    kept_memory = memory_advice.find(view, whole)
    told = advice.find(view, now, isolated.kept)
    told += padding_advice.find(view, now, isolated.kept)
    left = _not_mended(told, prescribed)
    advised, of_process = (
        [prescription(view, each.rewrite, each.gain, None, ()) for each in found_by]
        for found_by in (left, [kept_memory] if kept_memory else [])
    )
    return Prescribed(
        (*advised, *measured, *of_process),
        # What is slower `tune` does not change.
        together.median if together is not None and together.median >= _NO_LOSS else None,
        tried.spread,
    )


def _not_mended(
    found: Sequence[advice.Advice], prescribed: Sequence[Rewrite]
) -> list[advice.Advice]:
    """Advice that is still of use when something else has been done.

    A function that works on whole batches starts its operations once for all of them, and
    needs no dataset for a window.
    """
    mended = {
        tag
        for rewrite in prescribed
        if rewrite.kind in (*vectorised_rewrites.CALLING, *window_rewrites.KINDS)
        for tag in rewrite.tags
    }
    return [
        each
        for each in found
        if each.rewrite.kind not in (advice.LOOP, advice.RAGGED, advice.WINDOWS)
        or not mended.intersection(each.rewrite.tags)
    ]


def prescription(
    view: View,
    rewrite: Rewrite,
    predicted: float | None,
    measured: float | None,
    tuned: Sequence[Rewrite],
) -> Prescription:
    """What is prescribed of a rewrite.

    Args:
      view: the pipeline.
      rewrite: the change.
      predicted: its gain by the model, or None.
      measured: its gain as it was measured, or None.
      tuned: what `tune` changes by itself.
    """
    (number,) = (
        number for number, node in enumerate(view.nodes) if node.tag == rewrite.tags[0]
    )
    return Prescription(
        kind=rewrite.kind,
        stage=number,
        reason=rewrite.reason,
        edit=rewrite.edit,
        predicted_gain=predicted,
        measured_gain=measured,
        keeps_elements=not rewrite.alters,
        is_applied_by_tune=rewrite in tuned,
    )


def _least(view: View, rewrite: Rewrite) -> tuple[float, float]:
    """What a change has to gain in the median and in the worst round."""
    if _is_left_to_autotune(view, rewrite):
        return _LEAST_BY_TRIAL, _SURE_BY_TRIAL
    return LEAST_GAIN, SURE_GAIN


def _lasts(
    view: View, rewrite: Rewrite, gain: trials.Gain, whole: Timing, tried: trials.Tried
) -> bool:
    """Whether a change gains over what the pipeline comes to when it runs for longer.

    Every trial begins with AUTOTUNE's search, which a long run has behind it.
    """
    if not _is_left_to_autotune(view, rewrite) or not tried.unchanged_s:
        return True
    changed_s = statistics.median(tried.unchanged_s) / gain.median
    return whole.element_s / changed_s >= LEAST_GAIN


def _is_left_to_autotune(view: View, rewrite: Rewrite) -> bool:
    return rewrite.kind == parallel_rewrites.MAP and costs.is_left_to_autotune(
        view.pipeline, view.node(rewrite.tags[0])
    )


def _is_sure(gain: trials.Gain, median: float, least: float) -> bool:
    if gain.rounds == 1:
        return gain.median >= _LEAST_ONCE
    return gain.median >= median and gain.least > least


def _together(
    view: View,
    found: Sequence[Candidate],
    rewrites: Sequence[Rewrite],
    gain: trials.Gain,
) -> list[Prescription]:
    """All changes as one, named after the one that is expected to gain most."""
    if not _is_sure(gain, _LEAST_BY_TRIAL, _SURE_BY_TRIAL):
        return []
    (first, *_) = (each.rewrite for each in found if each.rewrite in rewrites)
    whole = dataclasses.replace(
        first,
        reason="; ".join(dict.fromkeys(each.reason for each in rewrites)),
        edit="; ".join(dict.fromkeys(each.edit for each in rewrites)),
    )
    made = prescription(view, whole, None, gain.median, ())
    return [dataclasses.replace(made, is_applied_by_tune=True)]


def _promising(
    view: View, now: Sequence[Cost], found: Sequence[Candidate]
) -> list[Candidate]:
    """What is worth a trial: by the model, or where most of the time goes."""
    shares = queueing.shares(now, view.cores)
    return [
        each
        for each in found
        if each.gain >= LEAST_GAIN
        or each.rewrite.kind in _UNTOLD
        or (
            each.gain >= _NO_LOSS
            and each.rewrite.kind != prefetch_rewrites.PREFETCH
            and sum(shares.get(tag, 0.0) for tag in each.rewrite.tags) > _LEAST_SHARE
        )
    ][:_MOST_TRIED]
