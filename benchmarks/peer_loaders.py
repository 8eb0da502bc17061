"""The same clips through what people would use instead of `tf.data`.

Each is written as its own documentation advises for data of this kind: clips that are made
by NumPy when they are asked for, or clips that are stored in the library's own format.
Libraries are imported by the functions that need them; all are in the extra `peers`.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from benchmarks import batch_turns, clip_source
from benchmarks.batch_turns import ANY_ORDER, IN_ORDER, Place
from dotmotion_tfds import configs

_SPEC = configs.CONFIGS["standard"].spec
# Loaders give whole shards to workers; two workers share these evenly, in whole batches if
# the clips of a pass are a multiple of four times the batch size.
_SHARDS = 4
# Elements of Grain and DALI are batches of megabytes here.
_BATCHES_AHEAD = 4
_FIELDS = ("video", "label", "centers", "index")
Batch = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Peer:
    """One way to load clips with another library.

    Attributes:
      about: what it does, in a few words.
      package: what has to be importable.
      make: makes an iterable of batches, given the number of workers.
      workers: the numbers to try.
      is_stored: whether clips come from files, in passes over them.
      order: which clips come when, as in `batch_turns.Expected`.
    """

    about: str
    package: str
    make: Callable[[Place, int], Iterable[Batch]]
    workers: tuple[int, ...]
    is_stored: bool = False
    order: str = IN_ORDER

    def expected(self, place: Place) -> batch_turns.Expected:
        """The batches that it should give."""
        passes = place.num_clips if self.is_stored else None
        return batch_turns.Expected(place.batch_size, self.order, passes)


# --- Clips made as they are asked for -------------------------------------------------


def _grain_clips(place: Place, threads: int) -> Iterable[Batch]:
    import grain

    clips = grain.MapDataset.range(len(clip_source.ClipSource()))
    batches = clips.map(clip_source.make_clip).batch(place.batch_size)
    return batches.to_iter_dataset(grain.ReadOptions(threads, _BATCHES_AHEAD))


def _grain_batches(place: Place, threads: int) -> Iterable[Batch]:
    import grain

    make = functools.partial(clip_source.make_batch, batch_size=place.batch_size)
    batches = grain.MapDataset.range(1 << 40).map(make)
    return batches.to_iter_dataset(grain.ReadOptions(threads, _BATCHES_AHEAD))


def _grain_processes(place: Place, processes: int) -> Iterable[Batch]:
    import grain

    make = functools.partial(clip_source.make_batch, batch_size=place.batch_size)
    batches = grain.MapDataset.range(1 << 40).map(make)
    # By default each worker reads 500 elements ahead: 8 GB of batches.
    ahead = batches.to_iter_dataset(grain.ReadOptions(1, _BATCHES_AHEAD))
    return ahead.mp_prefetch(grain.MultiprocessingOptions(processes, _BATCHES_AHEAD))


def _torch_clips(place: Place, processes: int) -> Iterable[Batch]:
    from torch.utils import data

    return data.DataLoader(
        clip_source.ClipSource(),
        batch_size=place.batch_size,
        num_workers=processes,
        persistent_workers=processes > 0,
    )


def _torch_batches(place: Place, processes: int) -> Iterable[Batch]:
    import torch
    from torch.utils import data

    return data.DataLoader(
        clip_source.BatchSource(),
        batch_size=place.batch_size,
        num_workers=processes,
        persistent_workers=processes > 0,
        # Tensors go between processes by shared memory, arrays by copies.
        collate_fn=functools.partial(_as_tensors, torch.from_numpy),
    )


def _as_tensors(convert: Callable[[np.ndarray], Any], batch: Batch) -> Batch:
    return {name: convert(value) for name, value in batch.items()}


def _dali(place: Place, processes: int) -> Iterator[Batch]:
    from nvidia.dali import fn, pipeline_def, types

    @pipeline_def(
        batch_size=place.batch_size,
        num_threads=2,
        device_id=None,
        prefetch_queue_depth=2,
        py_num_workers=max(1, processes),
        py_start_method="spawn",
    )
    def clips() -> Any:
        fields = fn.external_source(
            source=_Batches(place.batch_size),
            num_outputs=len(_FIELDS),
            batch=True,
            parallel=processes > 0,
            dtype=[types.UINT8, types.INT64, types.INT32, types.INT64],
            ndim=[4, 0, 2, 0],
        )
        return tuple(fields)

    pipeline = clips()
    pipeline.build()
    while True:
        outputs = pipeline.run()
        yield {
            name: np.asarray(output.as_tensor())
            for name, output in zip(_FIELDS, outputs, strict=True)
        }


class _Batches:
    """What DALI calls with a batch's number."""

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size

    def __call__(self, number: int) -> tuple[np.ndarray, ...]:
        batch = clip_source.make_batch(number, self._batch_size)
        return tuple(batch[name] for name in _FIELDS)


# --- Clips stored in files ------------------------------------------------------------


def _stored_batches(place: Place) -> Iterator[Batch]:
    for number in range(place.num_clips // place.batch_size):
        yield clip_source.make_batch(number, place.batch_size)


def _stored_clips(place: Place) -> Iterator[dict[str, Any]]:
    for batch in _stored_batches(place):
        for row in range(place.batch_size):
            yield {name: value[row] for name, value in batch.items()}


def _passes(loader: Iterable[Batch]) -> Iterator[Batch]:
    while True:
        yield from loader


def _webdataset(place: Place, processes: int) -> Iterator[Batch]:
    import webdataset

    of_shard = place.num_clips // _SHARDS
    names = [place.folder / f"clips-{number}.tar" for number in range(_SHARDS)]
    clips = _stored_clips(place)
    for name in names:
        with tarfile.open(name, "w") as tar:
            for _ in range(of_shard):
                _add(tar, next(clips))
    dataset = (
        webdataset.WebDataset([str(name) for name in names], shardshuffle=False)
        .decode()
        .map(_from_files)
        .batched(place.batch_size, collation_fn=_collated)
    )
    loader = webdataset.WebLoader(dataset, batch_size=None, num_workers=processes)
    return _passes(loader)


def _add(tar: tarfile.TarFile, clip: Mapping[str, Any]) -> None:
    for name in _FIELDS:
        file = io.BytesIO()
        np.save(file, clip[name])
        member = tarfile.TarInfo(f"{clip['index']:06d}.{name}.npy")
        member.size = file.tell()
        file.seek(0)
        tar.addfile(member, file)


def _from_files(sample: Mapping[str, Any]) -> dict[str, Any]:
    return {name: sample[f"{name}.npy"] for name in _FIELDS}


def _collated(samples: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: np.stack([sample[name] for sample in samples]) for name in _FIELDS}


def _mosaic(place: Place, processes: int) -> Iterator[Batch]:
    import streaming
    from torch.utils import data

    video_shape = ",".join(map(str, _SPEC.video_shape))
    columns = {
        "video": f"ndarray:uint8:{video_shape}",
        "label": "int",
        "centers": f"ndarray:int32:{_SPEC.frames},2",
        "index": "int",
    }
    with streaming.MDSWriter(out=str(place.folder / "mds"), columns=columns) as out:
        for clip in _stored_clips(place):
            out.write({**clip, "label": int(clip["label"]), "index": int(clip["index"])})
    dataset = streaming.StreamingDataset(
        local=str(place.folder / "mds"), batch_size=place.batch_size, shuffle=False
    )
    loader = data.DataLoader(
        dataset,
        batch_size=place.batch_size,
        num_workers=processes,
        persistent_workers=processes > 0,
    )
    return _passes(loader)


def _source(place: Place, encoding: str) -> Any:
    from benchmarks import pipelines

    return pipelines.built(place, encoding, "array_record").as_data_source(split="train")


def _grain_records(place: Place, threads: int, *, encoding: str) -> Iterable[Batch]:
    import grain

    clips = grain.MapDataset.source(_source(place, encoding)).repeat()
    batches = clips.batch(place.batch_size)
    return batches.to_iter_dataset(grain.ReadOptions(threads, _BATCHES_AHEAD))


def _torch_records(place: Place, processes: int, *, encoding: str) -> Iterator[Batch]:
    from torch.utils import data

    loader = data.DataLoader(
        _source(place, encoding),
        batch_size=place.batch_size,
        num_workers=processes,
        persistent_workers=processes > 0,
    )
    return _passes(loader)


_THREADS = (1, 2, 4)
_PROCESSES = (0, 1, 2)

PEERS: Mapping[str, Peer] = {
    "Grain": Peer("MapDataset of clips, threads", "grain", _grain_clips, _THREADS),
    "Grain, batches": Peer(
        "MapDataset of batches, threads", "grain", _grain_batches, _THREADS
    ),
    "Grain, processes": Peer(
        "MapDataset of batches, mp_prefetch", "grain", _grain_processes, (1, 2)
    ),
    "PyTorch": Peer("DataLoader of clips", "torch", _torch_clips, _PROCESSES),
    "PyTorch, batches": Peer(
        "DataLoader, __getitems__ makes a batch", "torch", _torch_batches, _PROCESSES
    ),
    "DALI": Peer("external_source of batches", "nvidia.dali", _dali, _PROCESSES),
    "WebDataset": Peer(
        "tar files of .npy", "webdataset", _webdataset, _PROCESSES, True, ANY_ORDER
    ),
    "MosaicML Streaming": Peer(
        "MDS files", "streaming", _mosaic, _PROCESSES, True, ANY_ORDER
    ),
    **{
        f"Grain, ArrayRecord, {encoding}": Peer(
            "tfds.data_source, threads",
            "grain",
            functools.partial(_grain_records, encoding=encoding),
            _THREADS,
            True,
        )
        for encoding in ("zlib", "raw")
    },
    **{
        f"PyTorch, ArrayRecord, {encoding}": Peer(
            "tfds.data_source, DataLoader",
            "torch",
            functools.partial(_torch_records, encoding=encoding),
            _PROCESSES,
            True,
        )
        for encoding in ("zlib", "raw")
    },
}
