import concurrent.futures
import dataclasses
import pathlib

import pytest
from tensorflow_datasets.core import file_adapters, naming
from tensorflow_datasets.core.utils import shard_utils

from dotmotion_tfds import CONFIGS, resolve_config
from dotmotion_tfds.files import records, shards
from dotmotion_tfds.files.record_files import read_records

NOTEBOOK = CONFIGS["notebook"]


def plan(folder, *, num_clips=80, file_format="tfrecord", config=NOTEBOOK, **sizes):
    return shards.plan(
        config,
        "test",
        num_clips=num_clips,
        file_format=file_format,
        template=naming.ShardedFileTemplate(
            data_dir=folder,
            dataset_name="moving_dot",
            split="test",
            filetype_suffix=file_format,
        ),
        sizes=shard_utils.ShardConfig(**sizes),
    )


@pytest.mark.parametrize(("num_clips", "num_shards"), [(1, 1), (80, 3), (80, 80), (5, 9)])
def test_shards_hold_every_clip_once(tmp_path, num_clips, num_shards):
    planned = plan(tmp_path, num_clips=num_clips, num_shards=num_shards)
    assert len(planned) == min(num_shards, num_clips)
    clips = [clip for shard in planned for clip in range(shard.first, shard.stop)]
    assert clips == list(range(num_clips))
    names = [pathlib.Path(shard.path).name for shard in planned]
    assert names == sorted(set(names))
    assert names[0] == f"moving_dot-test.tfrecord-00000-of-{len(planned):05d}"


def test_large_splits_are_cut_by_size(tmp_path):
    raw = resolve_config("standard_raw")
    planned = plan(tmp_path, config=raw, num_clips=4000)
    # 520 MB at no less than 64 MB a shard, in a power of two.
    assert len(planned) == 4
    assert len(plan(tmp_path, config=CONFIGS["standard"], num_clips=4000)) == 1


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_a_written_shard_holds_its_records(tmp_path, file_format):
    shard = plan(tmp_path, file_format=file_format, num_shards=3)[1]
    written = []
    num_bytes = shards.write(shard, written.append)
    expected = list(records.clip_records(NOTEBOOK, "test", shard.first, shard.stop))
    found = list(read_records(pathlib.Path(shard.path), file_format))
    assert found == expected
    assert num_bytes == sum(map(len, expected))
    assert sum(written) == len(expected)
    assert [str(path) for path in tmp_path.iterdir()] == [shard.path]


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_what_a_writer_lost_in_silence_is_noticed(tmp_path, file_format, monkeypatch):
    shard = plan(tmp_path, file_format=file_format)[0]
    adapter = file_adapters.ADAPTER_FOR_FORMAT[
        file_adapters.FileFormat.from_value(file_format)
    ]
    write = adapter.write_examples

    def lose_one(path, examples):
        return write(path, list(examples)[:-1])

    monkeypatch.setattr(adapter, "write_examples", lose_one)
    with pytest.raises(OSError, match=r"moving_dot-test.*of .* arrived"):
        shards.write(shard)
    assert not list(tmp_path.iterdir())


def test_two_tries_at_once_leave_one_whole_file(tmp_path):
    (shard,) = plan(tmp_path)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert len({*pool.map(shards.write, [shard] * 8)}) == 1
    assert [str(path) for path in tmp_path.iterdir()] == [shard.path]
    assert len(list(read_records(pathlib.Path(shard.path), "tfrecord"))) == 80


def test_a_directory_that_is_gone_is_an_error(tmp_path):
    shard = dataclasses.replace(plan(tmp_path)[0], path=str(tmp_path / "gone" / "shard"))
    with pytest.raises(OSError, match="No such file or directory"):
        shards.write(shard)
