"""SHA-256 of the first clips of every split: what must never change unnoticed.

Over the clips in index order in blocks of 250, and in each block over the bytes of
`index`, `label`, `centers` and `video`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np
import tensorflow as tf

BLOCK = 250
CLIPS = {"standard": 1000, "notebook": 80, "large": 8, "hard": 100}
_PINNED = """
standard/train 47503482a8421fc74af029aa7607275e0d53a8d600d189574176a768320ba7d9
standard/test 2e4ae1a19e4956f933a9a0fe4b9597224793a4cfbd3636692150404b558babbb
notebook/train 3647a867f526d284399e070e55455b1e2f05fa599af544e2eaf975692f297f63
notebook/test 90a2eec16db4cf65fdb452c7d9f227d4e33cc81ac43da7b864513259d6a42972
large/train 4f5e4ee77c98566abe866d2d65140e9655bf34b084ec0767c3c76f99eb5753f1
large/test 41a65e81c581c0a8aa7705aa126582d8a29ed52c8ac9831c4c44183eb6eb308f
hard/train 79c151d86d5fdde45d8832164ed08095aff142388cc2d041926a53258a4afccc
hard/test 96ccbfee97cf9c99b7c59b3b726ddfd21e5b464960a28829c069004e6fd374d9
"""
SHA256 = {
    tuple(name.split("/")): sha256
    for name, sha256 in map(str.split, _PINNED.strip().splitlines())
}


def blocks(config: str) -> list[np.ndarray]:
    """The indices of the clips that are pinned, block by block."""
    return np.split(np.arange(CLIPS[config]), range(BLOCK, CLIPS[config], BLOCK))


def of_dataset(dataset: tf.data.Dataset, config: str) -> str:
    """The SHA-256 of the first clips of a dataset of single clips."""
    batches = list(dataset.take(CLIPS[config]).batch(BLOCK).as_numpy_iterator())
    assert sum(len(batch["index"]) for batch in batches) == CLIPS[config]
    return digest(batches)


def digest(blocks: Iterable[Mapping[str, np.ndarray]]) -> str:
    """The SHA-256 of blocks of clips."""
    sha256 = hashlib.sha256()
    for block in blocks:
        for name in ("index", "label", "centers", "video"):
            sha256.update(np.ascontiguousarray(block[name]).tobytes())
    return sha256.hexdigest()
