"""Bugs to plant, so that each proof is seen to fail when it should.

Each one patches the product in a process of its own; see `tests.faults.strike`.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable


def skipped_restore() -> None:
    """A resumed run goes on at the right step with the weights it began with."""
    import numpy as np

    from trainers import loop

    def restore(current, checkpoint):
        current.history = np.asarray(checkpoint.arrays["history"], np.float32)

    loop._restore = restore


def forgotten_optimizer() -> None:
    """A resumed run has its weights, and Adam's moments anew."""
    from trainers import loop

    variables = loop._variables

    def without_optimizer(current):
        return {"model": variables(current)["model"]}

    loop._variables = without_optimizer


def dropped_batch() -> None:
    """A resumed run leaves out the batch that was being trained on."""
    from trainers import feed

    train_batches = feed.train_batches

    def late(options, *, start_step, shard=(0, 1)):
        return train_batches(options, start_step=start_step + bool(start_step), shard=shard)

    feed.train_batches = late


def unchecked_checkpoint() -> None:
    """What a checkpoint holds is taken for what was written."""
    import json

    from trainers import checkpoints

    def of_manifest(path: pathlib.Path) -> str:
        manifest = json.loads((path.parent / "manifest.json").read_text())
        return manifest["sha256"][path.name]

    checkpoints._sha256 = of_manifest


def checkpoint_in_place() -> None:
    """A checkpoint has its name while it is being written, and no check."""
    import json
    import os

    import numpy as np

    from trainers import checkpoints

    def save(folder, checkpoint):
        final = folder / f"step_{checkpoint.step:010d}"
        os.makedirs(final, exist_ok=True)
        with open(final / "manifest.json", "w", encoding="utf-8") as file:
            json.dump({"step": checkpoint.step}, file)
        with open(final / "state.npz", "wb") as file:
            np.savez(file, **checkpoint.arrays)
        return final

    def load_latest(folder):
        paths = checkpoints._by_step(folder)
        if not paths:
            return None
        step = json.loads((paths[-1] / "manifest.json").read_text())["step"]
        with np.load(paths[-1] / "state.npz") as arrays:
            return checkpoints.Checkpoint(step, dict(arrays))

    checkpoints.save, checkpoints.load_latest = save, load_latest


def cache_of_any_seed() -> None:
    """The name of a cache's file leaves out the seed."""
    from dotmotion_tfds import clip_file

    write_if_missing = clip_file.write_if_missing

    def one_for_all(directory, *, spec, split, seed, num_clips):
        for path in pathlib.Path(directory).glob("*.frames"):
            if path.stat().st_size == num_clips * spec.clip_bytes:
                return path
        return write_if_missing(
            directory, spec=spec, split=split, seed=seed, num_clips=num_clips
        )

    clip_file.write_if_missing = one_for_all


def unchecked_cache() -> None:
    """A cache's file that is there is taken for whole and right."""
    from dotmotion_tfds import clip_file

    clip_file._is_right = lambda path, num_bytes: path.exists()


def cache_in_place() -> None:
    """A cache's file has its name while it is being written, and no check."""
    import numpy as np

    from dotmotion_tfds import clip_file, elements
    from dotmotion_tfds.arrays import NUMPY

    def write(path, *, spec, split, seed, num_clips):
        with open(path, "wb") as file:
            for index in range(num_clips):
                rendered = elements.render_clips(
                    NUMPY, spec, np.array([index]), split=split, seed=seed
                )
                file.write(rendered["video"].data)
                file.flush()

    unchecked_cache()
    clip_file._write = write


def swapped_shards() -> None:
    """Two workers have each other's rows."""
    from dotmotion_tfds import order

    indices = order.Order.indices

    def swapped(self, step):
        part, parts = self.shard
        return indices(dataclasses.replace(self, shard=(parts - 1 - part, parts)), step)

    order.Order.indices = swapped


def dropped_sample() -> None:
    """The first clip of each batch is the second one."""
    import tensorflow as tf

    from dotmotion_tfds import order

    indices = order.Order.indices

    def dropped(self, step):
        found = indices(self, step)
        return tf.concat([found[1:2], found[1:]], 0) if found.shape[0] != 1 else found

    order.Order.indices = dropped


def dropped_stored_clip() -> None:
    """The fourth record of a shard is the third one once more."""
    from dotmotion_tfds.files import records

    clip_records = records.clip_records

    def dropped(config, split, first, stop):
        found = list(clip_records(config, split, first, stop))
        yield from [*found[:3], found[2], *found[4:]]

    records.clip_records = dropped


BUGS: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        skipped_restore,
        forgotten_optimizer,
        dropped_batch,
        unchecked_checkpoint,
        checkpoint_in_place,
        cache_of_any_seed,
        unchecked_cache,
        cache_in_place,
        swapped_shards,
        dropped_sample,
        dropped_stored_clip,
    )
}
