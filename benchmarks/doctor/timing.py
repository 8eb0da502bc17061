"""How fast a dataset gives elements, and what that takes."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import tensorflow as tf
from tensorflow.python.eager import context, execute

from benchmarks import counters
from benchmarks.doctor import time_limits

# AUTOTUNE's settings are looked at so often while it may still change them.
_LOOK_SECONDS = 0.1
# A first element that takes longer is taken for one like the others.
_LONG_START_SECONDS = 1.0
# Values in a tensor that is copied into a batch in no time, and elements of a batch.
_SMALL, _BATCH = 64, 1024


@dataclasses.dataclass(frozen=True)
class Timing:
    """Figures of some running of a dataset.

    Attributes:
      elements: that were counted.
      element_s: from one to the next.
      cpu_s: of all threads, an element.
      page_faults: an element.
      read_bytes: an element.
      bytes: of the tensors of an element; strings count as their length.
      first_s: until the first element.
      passes: how often the dataset ended.
      converged_s: after how long AUTOTUNE last changed something; None without it.
      model: of `tf.data.experimental.get_model_proto`, or None.
      is_batched: whether elements were taken in batches, and counted by themselves.
      grown_bytes: of memory that the process has more, an element; less than 0 if less.
      is_warm: whether as many elements came before it as were to warm up.
    """

    elements: int
    element_s: float
    cpu_s: float
    page_faults: float
    read_bytes: float
    bytes: float
    first_s: float
    passes: int
    converged_s: float | None = None
    model: Any = None
    is_batched: bool = False
    grown_bytes: float = 0.0
    is_warm: bool = True


class EmptyError(ValueError):
    """A dataset has no elements."""


class Elements:
    """Elements of a dataset without end: at its end it begins anew.

    Attributes:
      passes: how often the dataset has ended.
      pass_elements: elements of the last pass; None while it has not ended yet.
    """

    def __init__(self, dataset: tf.data.Dataset) -> None:
        self._dataset = dataset
        self.passes = 0
        self.pass_elements: int | None = None
        self._start()

    def _start(self) -> None:
        self._taken = 0
        self.iterator = iter(self._dataset)
        self.attach()

    def attach(self) -> None:
        """Lets the limit of `time_limits` that holds from now on end what it waits for."""
        self._take = _taking(self.iterator)

    def next(self) -> list[Any]:
        """The flat tensors of the next element; raises EmptyError if there is none."""
        while True:
            try:
                element = self._take()
            except tf.errors.OutOfRangeError:
                if not self._taken and not self.passes:
                    raise EmptyError("the dataset has no elements") from None
                self.passes += 1
                self.pass_elements = self._taken
                self._start()
                continue
            self._taken += 1
            return element


def one_pass(dataset: tf.data.Dataset) -> Iterator[list[Any]]:
    """The flat tensors of each element, until the dataset or `time_limits` ends it."""
    iterator = iter(dataset)
    take = _taking(iterator)
    while True:
        try:
            element = take()
        except tf.errors.OutOfRangeError:
            return
        yield element


def _taking(iterator: Any) -> Callable[[], list[Any]]:
    """A function that gives an iterator's next element, and can be cancelled.

    It takes a quarter of the time that `next` of Python's iterator does.
    """
    types = tuple(each.as_datatype_enum for each in iterator._flat_output_types)
    attributes = (
        "output_types",
        types,
        "output_shapes",
        tuple(iterator._flat_output_shapes),
    )
    inputs = [iterator._iterator_resource]
    count, eager, manager = len(types), context.context(), time_limits.manager()

    def take() -> list[Any]:
        return list(
            execute.execute_with_cancellation(
                "IteratorGetNext", count, inputs, attributes, eager, manager
            )
        )

    return take


def measure(
    dataset: tf.data.Dataset,
    seconds: float,
    *,
    warmup_s: float | None = None,
    warmup_elements: int = 0,
    watches_autotune: bool = False,
    advance: Callable[[float], Any] = lambda seconds: None,
) -> Timing:
    """Takes elements for some time.

    Args:
      dataset: what to run; it begins anew when it ends.
      seconds: how long, at least one element.
      warmup_s: seconds before that are not counted; half of `seconds` by default.
      warmup_elements: as many are not counted either, if they come within ten times
        `warmup_s`.
      watches_autotune: whether to look at AUTOTUNE's settings meanwhile.
      advance: called with the seconds that have passed since it was called last.

    Raises:
      EmptyError: if the dataset has no elements.
    """
    warmup_s = seconds / 2 if warmup_s is None else warmup_s
    start = time.perf_counter()
    source = Elements(dataset)
    element = source.next()
    first_s = time.perf_counter() - start
    watch = _Autotune(start) if watches_autotune else None
    taken = _take_for(source, warmup_s, watch, advance)
    if taken < warmup_elements:
        taken += _take_for(source, 9 * warmup_s, watch, advance, warmup_elements - taken)
    passes = source.passes
    before, resident = counters.read(), psutil.Process().memory_info().rss
    begin = time.perf_counter()
    elements = _take_for(source, seconds, watch, advance)
    elapsed = time.perf_counter() - begin
    used = counters.read() - before
    grown = psutil.Process().memory_info().rss - resident
    model = _model(source.iterator) if watches_autotune else None
    return Timing(
        elements=elements,
        element_s=elapsed / elements,
        cpu_s=used.cpu_s / elements,
        page_faults=used.page_faults / elements,
        read_bytes=used.read_bytes / elements,
        bytes=sum(map(size, element)),
        first_s=first_s,
        passes=source.passes if watches_autotune else source.passes - passes,
        converged_s=watch.converged_s if watch is not None else None,
        model=model,
        grown_bytes=grown / elements,
        is_warm=taken >= warmup_elements,
    )


def measure_alone(dataset: tf.data.Dataset, seconds: float) -> Timing:
    """Like `measure`, with nothing done in parallel or ahead, in less time.

    Args:
      dataset: what to run; it begins anew when it ends.
      seconds: how long, at least one element.

    Raises:
      EmptyError: if the dataset has no elements.
    """
    source = Elements(sequential(dataset))
    start = time.perf_counter()
    element = source.next()
    first_s = time.perf_counter() - start
    if first_s < seconds / 4:
        _take_for(source, min(seconds / 4, 0.1), None, lambda seconds: None)
    elif first_s > max(seconds, _LONG_START_SECONDS):
        # One element has taken longer than all was to take. What took less may have been
        # the start, on a machine that is busy.
        return Timing(
            1, first_s, first_s, 0, 0, sum(map(size, element)), first_s, source.passes
        )
    cpu_before, begin, elements = _cpu_s(), time.perf_counter(), 0
    chunk = 1
    while True:
        for _ in range(chunk):
            source.next()
        elements += chunk
        elapsed = time.perf_counter() - begin
        if elapsed >= seconds:
            break
        # The clock costs as much as a small element.
        chunk = 16 if elapsed / elements < seconds / 1000 else 1
    return Timing(
        elements=elements,
        element_s=elapsed / elements,
        cpu_s=(_cpu_s() - cpu_before) / elements,
        page_faults=0,
        read_bytes=0,
        bytes=sum(map(size, element)),
        first_s=first_s,
        passes=source.passes,
    )


def is_batchable(dataset: tf.data.Dataset) -> bool:
    """Whether elements are small and of one shape, so that a batch costs little."""
    flat = tf.nest.flatten(dataset.element_spec, expand_composites=True)
    return all(
        each.shape.is_fully_defined()
        and each.shape.num_elements() <= _SMALL
        and each.dtype not in (tf.variant, tf.resource)
        for each in flat
    )


def measure_short(dataset: tf.data.Dataset, single: Timing, seconds: float) -> Timing:
    """Like `measure_alone` where taking an element takes longer than making it.

    Args:
      dataset: what to run, for which `is_batchable` holds.
      single: what `measure_alone` has given.
      seconds: how long.
    """
    endless = dataset.repeat().batch(_BATCH, drop_remainder=True)
    return by_batches(single, measure_alone(endless, seconds), _BATCH)


def by_batches(single: Timing, batches: Timing, size: int) -> Timing:
    """A timing of single elements, with the times of elements that came in batches.

    Args:
      single: of elements that were taken one by one.
      batches: of batches of them.
      size: elements in a batch.
    """
    return dataclasses.replace(
        single,
        elements=batches.elements * size,
        element_s=batches.element_s / size,
        cpu_s=batches.cpu_s / size,
        is_batched=True,
    )


def sequential(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The dataset without what the runtime does by itself to make it faster."""
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    return dataset.with_options(options)


def size(tensor: Any) -> int:
    """Bytes of a tensor; of strings their length, of variants none."""
    if tensor.dtype == tf.string:
        value = tensor.numpy()
        if isinstance(value, bytes):
            return len(value)
        return sum(map(len, value.ravel()[:1000])) * max(1, value.size // 1000)
    if tensor.dtype in (tf.variant, tf.resource):
        return 0
    return int(tensor.shape.num_elements() or 0) * tensor.dtype.size


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class _Autotune:
    """When AUTOTUNE last changed something."""

    def __init__(self, start: float) -> None:
        self._start = start
        self._settings: Any = None
        self._looked = 0.0
        self.converged_s: float | None = None

    def look(self, iterator: Any) -> None:
        now = time.perf_counter()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        model = _model(iterator)
        if model is None:
            return
        settings = {
            (key, parameter.name): parameter.value
            for key, node in model.nodes.items()
            for parameter in node.parameters
            if parameter.tunable
        }
        if settings != self._settings:
            self._settings = settings
            self.converged_s = now - self._start


def _model(iterator: Any) -> Any:
    with contextlib.suppress(tf.errors.OpError):
        return tf.data.experimental.get_model_proto(iterator)
    return None


def _take_for(
    source: Elements,
    seconds: float,
    watch: _Autotune | None,
    advance: Callable[[float], Any],
    most: float = math.inf,
) -> int:
    begin = last = time.perf_counter()
    elements = 0
    while True:
        source.next()
        elements += 1
        now = time.perf_counter()
        if now - last > _LOOK_SECONDS:
            advance(now - last)
            last = now
            if watch is not None:
                watch.look(source.iterator)
        if now - begin >= seconds or elements >= most:
            return elements


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[Callable[[], bool]]:
    """Gives a function that tells whether the seconds are not over yet."""
    end = time.perf_counter() + seconds
    yield lambda: time.perf_counter() < end


@contextlib.contextmanager
def heartbeat(advance: Callable[[float], Any]) -> Iterator[None]:
    """Calls `advance` with the seconds that have passed, four times a second, meanwhile."""
    ended = threading.Event()

    def beat() -> None:
        last = time.perf_counter()
        while not ended.wait(0.25):
            now = time.perf_counter()
            advance(now - last)
            last = now

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
