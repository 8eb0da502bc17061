"""What the doctor is tried on.

`CASES` each have one fault, which is known, and `FINE` have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.benchmarks.doctor import (
    case,
    fine_pipelines,
    python_work,
    repeated_work,
    single_elements,
    slow_filters,
    slow_maps,
    slow_readers,
)

_CALLS: Mapping[str, tuple[Any, ...]] = {"calls": (1, 2, 4), "ahead": (1, 4)}

_VECTORISED: Mapping[str, tuple[Any, ...]] = {
    "is_vectorised": (True,),
    "calls": (1, 2, 4),
    "ahead": (1, 4),
}

_EARLY: Mapping[str, tuple[Any, ...]] = {
    "is_early": (True,),
    "calls": (1, 2, 4),
    "ahead": (1, 4),
}

CASES = (
    case.Case(
        "jpeg_decode_in_one_call",
        slow_maps.jpegs,
        frozenset({"decode"}),
        frozenset({"parallel map"}),
        case.grid(slow_maps.jpegs, **_CALLS),
        is_tunable=True,
    ),
    case.Case(
        "augmentation_in_one_call",
        slow_maps.augmented,
        frozenset({"augment"}),
        frozenset({"parallel map"}),
        case.grid(slow_maps.augmented, **_CALLS),
        is_tunable=True,
    ),
    case.Case(
        "words_counted_in_one_call",
        slow_maps.texts,
        frozenset({"count"}),
        frozenset({"parallel map"}),
        case.grid(slow_maps.texts, **_CALLS),
        is_tunable=True,
    ),
    case.Case(
        "json_in_one_call",
        slow_maps.json_lines,
        frozenset({"parse"}),
        frozenset({"parallel map", "vectorise"}),
        case.grid(
            slow_maps.json_lines,
            calls=(2, 4),
            is_vectorised=(False, True),
            ahead=(1, 4),
        ),
        is_tunable=True,
    ),
    case.Case(
        "spectrogram_of_batches_in_one_call",
        slow_maps.spectrograms,
        frozenset({"spectrogram"}),
        frozenset({"parallel map"}),
        case.grid(slow_maps.spectrograms, **_CALLS),
        is_tunable=True,
    ),
    case.Case(
        "zip_with_slow_branch",
        slow_maps.zipped,
        frozenset({"decode"}),
        frozenset({"parallel map"}),
        case.grid(slow_maps.zipped, **_CALLS),
        is_tunable=True,
    ),
    case.Case(
        "tiny_maps_before_batch",
        single_elements.tiny_maps,
        frozenset({"features", "halve", "shift", "clip", "batch"}),
        frozenset({"vectorise"}),
        case.grid(single_elements.tiny_maps, **_VECTORISED),
        is_tunable=True,
    ),
    case.Case(
        "csv_before_batch",
        single_elements.tables,
        frozenset({"parse", "batch"}),
        frozenset({"vectorise"}),
        case.grid(single_elements.tables, **_VECTORISED),
        is_tunable=True,
    ),
    case.Case(
        "examples_parsed_before_batch",
        single_elements.small_examples,
        frozenset({"parse", "batch"}),
        frozenset({"vectorise"}),
        case.grid(single_elements.small_examples, **_VECTORISED),
        is_tunable=True,
    ),
    case.Case(
        "clips_one_by_one",
        single_elements.single_clips,
        frozenset({"clip"}),
        frozenset({"vectorise"}),
        case.grid(single_elements.single_clips, **_VECTORISED),
        is_tunable=True,
    ),
    case.Case(
        "float_before_batch",
        single_elements.float_frames,
        frozenset({"to_float", "batch"}),
        frozenset({"vectorise", "uint8 until the device"}),
        case.grid(single_elements.float_frames, **_VECTORISED),
        is_tunable=True,
    ),
    case.Case(
        "heavy_filter",
        slow_filters.filtered_by_content,
        frozenset({"filter"}),
        frozenset({"parallel filter"}),
        slow_filters.filtered_variants,
        is_tunable=True,
    ),
    case.Case(
        "filter_after_heavy_map",
        slow_filters.filtered_late,
        frozenset({"decode", "filter"}),
        frozenset({"filter earlier"}),
        case.grid(slow_filters.filtered_late, **_EARLY),
        is_tunable=True,
    ),
    case.Case(
        "sequential_interleave_of_gzip",
        slow_readers.interleaved,
        frozenset({"interleave", "records"}),
        frozenset({"parallel interleave"}),
        case.grid(slow_readers.interleaved, **_CALLS),
        is_tunable=True,
    ),
    case.Case(
        "flat_map_of_gzip",
        slow_readers.flattened,
        frozenset({"flat_map", "records"}),
        frozenset({"parallel interleave"}),
        case.grid(slow_readers.flattened, cycle=(1, 2, 4), ahead=(1, 4)),
        is_tunable=True,
    ),
    case.Case(
        "no_prefetch_between",
        slow_readers.scanned,
        frozenset({"records", "smooth"}),
        frozenset({"prefetch between", "parallel interleave"}),
        case.grid(slow_readers.scanned, between=(1, 4, 16), ahead=(1, 4)),
        is_tunable=True,
    ),
    case.Case(
        "autotune_off",
        slow_maps.without_autotune,
        frozenset({"decode"}),
        frozenset({"options", "parallel map"}),
        case.grid(
            slow_maps.without_autotune,
            calls=(2, 4),
            is_autotuned=(False, True),
            ahead=(1, 4),
        ),
        is_tunable=True,
    ),
    case.Case(
        "pool_of_one_thread",
        slow_maps.in_one_thread,
        frozenset({"spectrogram", "options"}),
        frozenset({"options"}),
        case.grid(slow_maps.in_one_thread, threads=(2, 4), calls=(2, 4), ahead=(1, 4)),
        is_tunable=True,
    ),
    case.Case(
        "cache_of_bytes",
        repeated_work.cached_bytes,
        frozenset({"decode"}),
        frozenset({"cache later"}),
        case.grid(repeated_work.cached_bytes, place=("decode", "batch"), ahead=(0, 1, 4)),
        is_tunable=True,
    ),
    case.Case(
        "cache_before_batch",
        repeated_work.cached_rows,
        frozenset({"cache", "batch"}),
        frozenset({"cache batches"}),
        case.grid(repeated_work.cached_rows, is_cached_in_batches=(True,), ahead=(0, 1, 4)),
        is_tunable=True,
    ),
    case.Case(
        "no_cache",
        repeated_work.passes,
        frozenset({"decode"}),
        frozenset({"cache", "cache batches"}),
        case.grid(repeated_work.passes, place=("decode", "batch"), ahead=(0, 1, 4)),
        is_tunable=True,
    ),
    case.Case(
        "skip_after_heavy_map",
        repeated_work.skipped_late,
        frozenset({"decode", "skip"}),
        frozenset({"skip earlier", "cache", "cache batches"}),
        case.grid(
            repeated_work.passes,
            skip=(32,),
            place=("", "decode", "batch"),
            ahead=(0, 1, 4),
        ),
        is_tunable=True,
    ),
    case.Case(
        "shard_after_heavy_map",
        slow_filters.sharded_late,
        frozenset({"decode", "shard"}),
        frozenset({"shard earlier"}),
        case.grid(slow_filters.sharded_late, **_EARLY),
        is_tunable=True,
    ),
    case.Case(
        "shuffle_of_pictures",
        slow_filters.shuffled_late,
        frozenset({"decode", "shuffle"}),
        frozenset({"shuffle earlier"}),
        case.grid(slow_filters.shuffled_late, **_EARLY),
        is_tunable=True,
    ),
    case.Case(
        "batch_unbatch_batch",
        single_elements.batched_twice,
        frozenset({"unbatch", "batch"}),
        frozenset({"rebatch", "vectorise"}),
        single_elements.rebatched_variants,
        is_tunable=True,
    ),
    case.Case(
        "tiny_map_between_batches",
        single_elements.taken_apart,
        frozenset({"unbatch", "halve", "batch"}),
        frozenset({"vectorise", "rebatch"}),
        case.grid(single_elements.taken_apart, **_VECTORISED),
        is_tunable=True,
    ),
    case.Case(
        "waits_beside_work",
        slow_maps.waits_beside_work,
        frozenset({"fetch"}),
        frozenset({"parallel map", "py_function"}),
        case.grid(slow_maps.waits_beside_work, calls=(4, 16), ahead=(1, 4)),
    ),
    case.Case(
        "python_parser",
        python_work.parsed_by_python,
        frozenset({"parse"}),
        frozenset({"py_function"}),
    ),
    case.Case(
        "python_generator",
        python_work.generated,
        frozenset({"generator"}),
        frozenset({"from_generator"}),
    ),
)

FINE = (
    case.Case("stream_of_clips", fine_pipelines.streamed),
    case.Case("vectorised_map", fine_pipelines.vectorised_map),
    case.Case("parallel_readers", fine_pipelines.parallel_readers),
    case.Case("parallel_decoding", fine_pipelines.parallel_decoding),
    case.Case("cached_batches", fine_pipelines.cached_batches),
    case.Case("batches_of_clips", fine_pipelines.batches_of_clips),
)
