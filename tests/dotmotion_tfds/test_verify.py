"""Every kind of damage is named with its shard and record, by the real program."""

import random
import shutil
import struct

import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from dotmotion_tfds import CONFIGS, verify
from dotmotion_tfds.files import verification
from dotmotion_tfds.files.record_files import RecordError, masked_crc, read_records
from dotmotion_tfds.moving_dot.moving_dot_dataset_builder import Builder
from tests.processes import python

SHARD = "moving_dot-{}.{}-{:05d}-of-00002"


@pytest.fixture(scope="module", params=["tfrecord", "array_record"])
def pristine(request, tmp_path_factory):
    """A dataset of two shards a split."""
    data_dir = tmp_path_factory.mktemp("pristine")
    builder = Builder(config="notebook", data_dir=data_dir, file_format=request.param)
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(num_shards=2))
    return data_dir


@pytest.fixture
def copy(pristine, tmp_path):
    """A copy of it to damage."""
    shutil.copytree(pristine, tmp_path / "data")
    return Dataset(tmp_path / "data")


class Dataset:
    def __init__(self, data_dir):
        self.data_dir = data_dir
        self.folder = data_dir / "moving_dot" / "notebook" / "1.0.0"
        self.info = tfds.builder_from_directory(self.folder).info
        self.format = self.info.file_format.value

    def shard(self, number, split="test"):
        return self.folder / SHARD.format(split, self.format, number)

    def problem(self, split="test"):
        found = verification.first_problem(self.info, split, CONFIGS["notebook"])
        return found if found is None else (found.shard, found.record, found.reason)


def framed(data):
    header = struct.pack("<Q", len(data))
    return b"".join(
        [
            header,
            struct.pack("<I", masked_crc(header)),
            data,
            struct.pack("<I", masked_crc(data)),
        ]
    )


def rewrite(dataset, number, change):
    """Writes a shard anew, sound in its format, with changed records."""
    path = dataset.shard(number)
    records = change(list(read_records(path, dataset.format)))
    if dataset.format == "tfrecord":
        path.write_bytes(b"".join(map(framed, records)))
        return
    from array_record.python.array_record_module import ArrayRecordWriter

    path.unlink()
    writer = ArrayRecordWriter(str(path), "group_size:1")
    for record in records:
        writer.write(record)
    writer.close()


def edited(record, feature, values):
    example = tf.train.Example.FromString(record)
    kind = "bytes_list" if isinstance(values[0], bytes) else "int64_list"
    getattr(example.features.feature[feature], kind).value[:] = values
    return example.SerializeToString()


def test_a_sound_dataset_is_right_and_the_clips_are_counted(pristine):
    dataset = Dataset(pristine)
    counted = []
    for split in ("train", "test"):
        assert (
            verification.first_problem(
                dataset.info, split, CONFIGS["notebook"], counted.append
            )
            is None
        )
    assert sum(counted) == 160


@pytest.mark.fault(
    "shard missing",
    "named",
)
def test_a_missing_shard(copy):
    copy.shard(1).unlink()
    assert copy.problem() == (copy.shard(1).name, None, "the shard is missing")
    assert copy.problem("train") is None


@pytest.mark.fault(
    "shards swapped",
    "named with the record",
)
def test_swapped_shards(copy):
    first, second = copy.shard(0).read_bytes(), copy.shard(1).read_bytes()
    copy.shard(0).write_bytes(second)
    copy.shard(1).write_bytes(first)
    assert copy.problem() == (copy.shard(0).name, 0, "it holds clip 40, expected clip 0")


@pytest.mark.fault(
    "shard doubled",
    "named with the record",
)
def test_a_doubled_shard(copy):
    shutil.copy(copy.shard(0), copy.shard(1))
    assert copy.problem() == (copy.shard(1).name, 0, "it holds clip 0, expected clip 40")


@pytest.mark.fault(
    "records doubled, missing, swapped, changed or forged, with right checksums; a file "
    "cut at a record boundary",
    "named with the record",
)
@pytest.mark.parametrize(
    ("change", "record", "reason"),
    [
        (lambda r: [*r[:7], r[6], *r[7:]], 7, "holds clip 6 once more, expected clip 7"),
        (lambda r: [*r, r[-1]], 40, "one record too many: the shard should hold 40"),
        (lambda r: r[:-3], 37, "it is missing: the file ends after 37 of 40 records"),
        (lambda r: [*r[:5], *r[6:]], 5, "it holds clip 6, expected clip 5"),
        (lambda r: [r[1], r[0], *r[2:]], 0, "it holds clip 1, expected clip 0"),
        (lambda r: [*r[:9], b"junk", *r[10:]], 9, "not a record of this dataset"),
        (lambda r: [*r[:9], b"", *r[10:]], 9, "not a record of this dataset"),
        (
            lambda r: [*r[:9], edited(r[9], "video", [b"junk"]), *r[10:]],
            9,
            "not a record of this dataset",
        ),
        (
            lambda r: [edited(r[0], "label", [99]), *r[1:]],
            0,
            "its bytes are not those of clip 0",
        ),
        (
            lambda r: [*r[:-1], edited(r[-1], "centers", [7] * 40)],
            39,
            "its bytes are not those of clip 39",
        ),
        (
            lambda r: [
                *r[:3],
                edited(
                    r[3],
                    "video",
                    list(
                        tf.train.Example.FromString(r[0])
                        .features.feature["video"]
                        .bytes_list.value
                    ),
                ),
                *r[4:],
            ],
            3,
            "its bytes are not those of clip 3",
        ),
    ],
)
def test_records_that_are_sound_but_not_right(copy, change, record, reason):
    rewrite(copy, 0, change)
    shard, found, why = copy.problem()
    assert (shard, found) == (copy.shard(0).name, record)
    assert reason in why


def test_an_empty_shard(copy):
    copy.shard(0).write_bytes(b"")
    shard, record, _ = copy.problem()
    assert (shard, record) == (copy.shard(0).name, 0)


def record_at(content, position):
    """The number of the TFRecord that a byte belongs to."""
    number = start = 0
    while True:
        start += struct.unpack_from("<Q", content, start)[0] + 16
        if position < start:
            return number
        number += 1


@pytest.mark.fault(
    "bit flip anywhere in a TFRecord file",
    "named with the record",
)
@pytest.mark.parametrize("pristine", ["tfrecord"], indirect=True)
def test_any_flipped_bit_of_a_tfrecord_is_named(copy):
    path = copy.shard(0)
    whole = path.read_bytes()
    for position in random.Random(0).sample(range(len(whole)), 60):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << position % 8
        path.write_bytes(flipped)
        with pytest.raises(RecordError) as caught:
            list(read_records(path, "tfrecord"))
        assert caught.value.record == record_at(whole, position)
    shard, record, _ = copy.problem()
    assert (shard, record) == (path.name, caught.value.record)


@pytest.mark.fault(
    "TFRecord file cut in the middle of a record",
    "named with the record",
)
@pytest.mark.parametrize("pristine", ["tfrecord"], indirect=True)
@pytest.mark.parametrize("keep", [3, 10, 11, 12, 200, -1, -5])
def test_a_tfrecord_file_cut_anywhere_is_named(copy, keep):
    path = copy.shard(0)
    content = path.read_bytes()[:keep]
    whole = path.read_bytes()
    path.write_bytes(content)
    shard, record, reason = copy.problem()
    assert (shard, record) == (path.name, record_at(whole, len(content)))
    assert "the file ends inside" in reason


@pytest.mark.fault(
    "ArrayRecord file cut or overwritten",
    "named",
)
@pytest.mark.parametrize("pristine", ["array_record"], indirect=True)
def test_damaged_array_records_are_found(copy):
    path = copy.shard(0)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:1000] + b"\xff" * 64 + whole[1064:]):
        path.write_bytes(content)
        shard, record, _ = copy.problem()
        assert shard == path.name
        assert record is not None


def test_the_program_names_what_is_wrong_and_its_status_says_so(copy):
    command = ["-m", "dotmotion_tfds.verify", f"--data_dir={copy.data_dir}"]
    done = python(*command)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{copy.folder}, {split}: all 80 clips are right" for split in ("train", "test")
    ]
    rewrite(copy, 1, lambda records: records[:-1])
    done = python(*command)
    assert done.returncode == 1
    assert done.stdout.splitlines()[1] == (
        f"{copy.folder}, test: {copy.shard(1).name}, record 39: "
        "it is missing: the file ends after 39 of 40 records"
    )


def test_a_dataset_built_with_a_limit_is_short(tmp_path):
    builder = Builder(config="notebook", data_dir=tmp_path)
    limit = tfds.download.DownloadConfig(max_examples_per_split=3)
    builder.download_and_prepare(download_config=limit)
    found = verification.first_problem(builder.info, "train", CONFIGS["notebook"])
    assert found.reason == "the split holds 3 clips, expected 80"


def test_a_custom_geometry_is_verified_by_its_name(tmp_path):
    config = '{"frames": 4, "height": 16, "width": 24, "dot_size": 3, "noise": 0.3}'
    Builder(config=config, data_dir=tmp_path).download_and_prepare()
    assert verify.main(["verify", f"--data_dir={tmp_path}"]) == 0


def test_an_unknown_dataset_does_not_hide_the_others(copy, capsys):
    other = copy.data_dir / "moving_dot" / "other" / "1.0.0"
    shutil.copytree(copy.folder, other)
    assert verify.main(["verify", f"--data_dir={copy.data_dir}"]) == 1
    out, err = capsys.readouterr()
    assert out.count("all 80 clips are right") == 2
    assert err.startswith(f"error: {other}: ")
    assert err.count("\n") == 1


def test_a_shard_that_can_not_be_read_is_named(copy, monkeypatch, capsys):
    def refuse(*_):
        raise PermissionError(13, "Permission denied", str(copy.shard(0)))

    monkeypatch.setattr(verification, "read_records", refuse)
    assert verify.main(["verify", f"--data_dir={copy.data_dir}"]) == 1
    out, err = capsys.readouterr()
    assert f"{copy.shard(0)}: Permission denied" in out
    assert err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data_dir=gs://bucket/data"], "'gs://bucket/data' is not on this machine"),
        ([], "--data_dir is missing"),
        (["--data_dir=/nowhere"], "no built moving_dot under '/nowhere'"),
        (["--data_dir=/nowhere", "--config=x"], "no built moving_dot of config 'x'"),
        (["--dir=/nowhere"], "Unknown command line flag 'dir'"),
    ],
)
def test_wrong_usage_is_one_line(arguments, message, capsys):
    assert verify.main(["verify", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


def test_help_has_examples(capsys):
    assert verify.main(["verify", "-h"]) == 0
    assert "python -m dotmotion_tfds.verify --data_dir=/data" in capsys.readouterr().out
