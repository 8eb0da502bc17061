import hashlib

import numpy as np
import pytest

from dotmotion_tfds import CONFIGS, encodings, records
from dotmotion_tfds.configs import resolve_config
from tests.conftest import SMALL_SPEC
from tests.dotmotion_tfds.test_streaming import assert_same_batches
from tests.processes import python

PROGRAM = """
import hashlib
from dotmotion_tfds import CONFIGS, records
digest = hashlib.sha256()
for record in records.clip_records(CONFIGS["standard"], "test", 0, 100):
    digest.update(record)
print(digest.hexdigest())
"""


@pytest.mark.parametrize("name", ["standard_raw", "notebook", "trajectories", "hard_zlib"])
@pytest.mark.parametrize(("first", "stop"), [(0, 1), (3, 10), (255, 259), (7, 7)])
def test_any_part_has_the_records_of_the_whole(name, first, stop):
    config = resolve_config(name)
    whole = list(records.clip_records(config, "train", 0, 300 if stop > 20 else 20))
    assert list(records.clip_records(config, "train", first, stop)) == whole[first:stop]


def test_the_bytes_are_the_same_in_every_process():
    digest = hashlib.sha256()
    for record in records.clip_records(CONFIGS["standard"], "test", 0, 100):
        digest.update(record)
    for hash_seed in "12":
        done = python("-c", PROGRAM, env={"PYTHONHASHSEED": hash_seed})
        assert done.stdout.strip() == digest.hexdigest(), done.stderr


def test_records_of_centres_are_tens_of_bytes():
    sizes = [len(r) for r in records.clip_records(CONFIGS["trajectories"], "test", 0, 999)]
    assert 80 < np.mean(sizes) < 100


@pytest.mark.parametrize("encoding", ["raw", "zlib", "png"])
def test_a_parsed_record_is_the_clip(encoding):
    import dotmotion_tfds

    config = resolve_config({"frames": 5, "height": 17, "width": 27, "encoding": encoding})
    expected = dotmotion_tfds.clips(range(9), "test", config)
    found = {"video": [], "label": [], "centers": [], "index": []}
    for record in records.clip_records(config, "test", 0, 9):
        parsed = records.parse_record(record)
        found["video"].append(encodings.decode_clip(config.spec, encoding, parsed["video"]))
        found["centers"].append(np.array(parsed["centers"], np.int32).reshape(-1, 2))
        found["label"] += parsed["label"]
        found["index"] += parsed["index"]
    as_arrays = {
        name: np.array(values, expected[name].dtype.as_numpy_dtype)
        for name, values in found.items()
    }
    assert_same_batches([as_arrays], [expected])


@pytest.mark.parametrize("record", [b"junk", b"\xff" * 40])
def test_what_is_no_example_is_not_parsed(record):
    assert records.parse_record(record) is None


def test_a_small_spec_makes_records_of_its_own():
    config = resolve_config(SMALL_SPEC)
    (record,) = records.clip_records(config, "train", 5, 6)
    assert records.parse_record(record)["index"] == [5]
