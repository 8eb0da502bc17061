"""Any number of replicas: the same data, and weights within a stated bound."""

from __future__ import annotations

import numpy as np
import pytest

from tests.faults.runs import one_line, run, struck, train
from trainers import checkpoints

# Sums over replicas are in another order: five steps of Adam make this of it.
_BOUND = 2e-4
_INDICES = """
import hashlib, sys
from dotmotion_tfds import quiet_start
quiet_start.import_tensorflow()
import dotmotion_tfds
import numpy as np
shards = int(sys.argv[1])
options = {"config": "notebook", "batch_size": 16, "epochs": 1}
batches = [
    list(dotmotion_tfds.stream(**options, shard=(part, shards))) for part in range(shards)
]
digest = hashlib.sha256()
for parts in zip(*batches, strict=True):
    for name in sorted(parts[0]):
        digest.update(np.concatenate([part[name] for part in parts]).tobytes())
print(digest.hexdigest())
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("program") / "hash_of_shards.py"
    path.write_text(_INDICES)
    return path


def hash_of_shards(program, shards, *strikes):
    env = {"PYTHONPATH": f"{program.parent}:."}
    done = struck(strikes, program.stem, str(shards), env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.fault("1, 2 and 4 shards", "indices and bytes of every batch are identical")
def test_shards_together_are_the_batches_of_one(program):
    assert len({hash_of_shards(program, shards) for shards in (1, 2, 4)}) == 1


@pytest.mark.slow
@pytest.mark.fault(
    "planted: two workers with each other's rows, a clip that is dropped",
    "seen by the same hash",
)
def test_the_hash_sees_rows_that_are_swapped_or_dropped(program):
    right = hash_of_shards(program, 2)
    assert hash_of_shards(program, 2, "plant=swapped_shards") != right
    assert hash_of_shards(program, 2, "plant=dropped_sample") != right


def final_weights(workdir):
    arrays = checkpoints.load_latest(workdir / "checkpoints").arrays
    return [arrays[name] for name in sorted(arrays) if name.startswith("model/")]


@pytest.mark.slow
@pytest.mark.fault(
    "1, 2 and 4 replicas, also for the second half of a run",
    f"every weight within {_BOUND:g} of the one of one replica, which is 1 or less",
)
def test_weights_do_not_depend_on_the_replicas(tmp_path):
    for replicas in (1, 2, 4):
        done = train(tmp_path / str(replicas), f"--virtual_devices={replicas}")
        assert done.returncode == 0, done.stderr
    mixed = tmp_path / "mixed"
    assert train(mixed, "--steps=3", "--virtual_devices=4").returncode == 0
    done = train(mixed, "--virtual_devices=2")
    assert "continuing at step 3" in done.stdout
    right = final_weights(tmp_path / "1")
    for name in ("2", "4", "mixed"):
        for one, other in zip(right, final_weights(tmp_path / name), strict=True):
            np.testing.assert_allclose(other, one, rtol=0, atol=_BOUND)


@pytest.mark.fault(
    "batch 7 on 2 replicas, batch 1 on 2", "one line, exit 2, nothing is written"
)
@pytest.mark.parametrize("batch_size", [7, 1])
def test_batches_that_do_not_divide_are_refused(tmp_path, batch_size):
    workdir = tmp_path / "run"
    done = train(workdir, f"--batch_size={batch_size}", "--virtual_devices=2")
    assert f"batch_size={batch_size} is not divisible by 2 replicas" in one_line(done, 2)
    assert not workdir.exists()


@pytest.mark.slow
@pytest.mark.fault(
    "batch 1, and a last batch of 7 rows on 2 replicas", "each row counts once"
)
def test_short_batches_are_trained_on(tmp_path):
    # 80 clips in batches of 73: the last one has 7, of which a replica has 3.
    done = train(
        tmp_path / "short",
        "--config=notebook",
        "--data=cache",
        "--batch_size=38",
        "--virtual_devices=2",
        "--steps=3",
    )
    assert done.returncode == 0, done.stderr
    assert train(tmp_path / "one", "--batch_size=1", "--steps=2").returncode == 0


def test_the_limit_of_a_process_kills_it():
    with pytest.raises(AssertionError, match=r"took longer than 0\.5 s"):
        run(["sleep", "30"], limit_s=0.5)
