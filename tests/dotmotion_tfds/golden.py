"""SHA-256 of the first clips of every split: what must never change unnoticed.

Over the clips in index order in blocks of 250, and in each block over the bytes of
`index`, `label`, `centers` and `video`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np

BLOCK = 250
CLIPS = {"standard": 1000, "notebook": 80}
SHA256 = {
    (
        "standard",
        "train",
    ): "47503482a8421fc74af029aa7607275e0d53a8d600d189574176a768320ba7d9",
    (
        "standard",
        "test",
    ): "2e4ae1a19e4956f933a9a0fe4b9597224793a4cfbd3636692150404b558babbb",
    (
        "notebook",
        "train",
    ): "3647a867f526d284399e070e55455b1e2f05fa599af544e2eaf975692f297f63",
    (
        "notebook",
        "test",
    ): "90a2eec16db4cf65fdb452c7d9f227d4e33cc81ac43da7b864513259d6a42972",
}


def digest(blocks: Iterable[Mapping[str, np.ndarray]]) -> str:
    """The SHA-256 of blocks of clips."""
    sha256 = hashlib.sha256()
    for block in blocks:
        for name in ("index", "label", "centers", "video"):
            sha256.update(np.ascontiguousarray(block[name]).tobytes())
    return sha256.hexdigest()
