"""Reading the records of one shard, telling how far it is sound."""

from __future__ import annotations

import mmap
import os
import pathlib
import struct
from collections.abc import Iterator

import google_crc32c

# TFRecord masks its checksums, so that those of data that holds checksums stay strong.
_MASK_DELTA = 0xA282EAD8
_LENGTH_BYTES = 8
_CRC_BYTES = 4


class RecordError(ValueError):
    """A shard can't be read beyond some record.

    Attributes:
      record: number of the first bad record in its shard.
      reason: what is wrong with it.
    """

    def __init__(self, record: int, reason: str) -> None:
        super().__init__(f"record {record}: {reason}")
        self.record = record
        self.reason = reason


def read_records(path: pathlib.Path, file_format: str) -> Iterator[bytes]:
    """The records of a shard in order.

    Args:
      path: the shard's file.
      file_format: 'tfrecord' or 'array_record'.

    Yields:
      The bytes of each record.

    Raises:
      RecordError: at the first record that is cut or whose checksum does not fit.
      OSError: if the file can't be read.
    """
    if file_format == "array_record":
        yield from _read_array_records(path)
    else:
        with open(path, "rb") as file:
            # An empty file can't be mapped.
            if os.fstat(file.fileno()).st_size:
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                    yield from _read_tfrecords(content)


def masked_crc(data: bytes) -> int:
    """The checksum that TFRecord stores for `data`: its CRC-32C, rotated and shifted."""
    crc = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


def _read_tfrecords(content: mmap.mmap) -> Iterator[bytes]:
    position = number = 0
    while position < len(content):
        header = content[position : position + _LENGTH_BYTES]
        start = position + _LENGTH_BYTES + _CRC_BYTES
        if start > len(content):
            raise RecordError(number, "the file ends inside its header")
        (length,) = struct.unpack("<Q", header)
        if masked_crc(header) != struct.unpack_from("<I", content, start - _CRC_BYTES)[0]:
            raise RecordError(number, "the checksum of its length does not fit")
        stop = start + length
        if stop + _CRC_BYTES > len(content):
            raise RecordError(number, "the file ends inside it")
        data = content[start:stop]
        if masked_crc(data) != struct.unpack_from("<I", content, stop)[0]:
            raise RecordError(number, "its checksum does not fit")
        yield data
        position = stop + _CRC_BYTES
        number += 1


def _read_array_records(path: pathlib.Path) -> Iterator[bytes]:
    from array_record.python.array_record_module import ArrayRecordReader

    number = 0
    try:
        reader = ArrayRecordReader(str(path))
        for number in range(reader.num_records()):
            yield reader.read([number])[0]
    except (RuntimeError, ValueError, IndexError) as error:
        reason = str(error).splitlines()[0] if str(error) else "it can't be read"
        raise RecordError(number, reason) from None
