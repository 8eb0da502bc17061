"""Whether the files of a built dataset are all there, and as long as they must be."""

from __future__ import annotations

from typing import Any

import tensorflow_datasets as tfds
from etils import epath

from dotmotion_tfds.spec import SpecError

# A TFRecord is framed by a 12-byte header (length and its CRC) and a 4-byte CRC.
_TFRECORD_FRAME_BYTES = 16


def require_complete(builder: tfds.core.DatasetBuilder) -> None:
    """Checks the files of a built dataset by name and size, without reading records.

    Args:
      builder: a builder whose data directory exists.

    Raises:
      SpecError: if metadata or a shard is missing, empty or cut.
    """
    folder = epath.Path(builder.data_path)
    if not builder.is_prepared():
        content = "nothing" if not any(folder.iterdir()) else "no dataset_info.json"
        raise _incomplete(folder, f"it holds {content}")
    for split in builder.info.splits.values():
        num_bytes = 0
        for path in map(epath.Path, split.filepaths):
            if not path.exists():
                raise _incomplete(folder, f"{path.name} is missing")
            length = path.stat().length
            if not length and split.num_examples:
                raise _incomplete(folder, f"{path.name} is empty")
            num_bytes += length
        if builder.info.file_format is tfds.core.FileFormat.TFRECORD:
            expected = int(split.num_bytes) + _TFRECORD_FRAME_BYTES * split.num_examples
            if num_bytes != expected:
                raise _incomplete(
                    folder,
                    f"split {split.name!r} has {num_bytes} bytes, expected {expected}",
                )


def _incomplete(folder: epath.Path, reason: Any) -> SpecError:
    return SpecError(
        f"{folder} is not a complete dataset: {reason}; delete the directory to build "
        "it afresh, or name another with --data_dir"
    )
