import numpy as np
import pytest

from trainers import summary


def test_the_first_step_does_not_count_as_steady():
    found = summary.timing([9.0, 1.0, 3.0, 2.0], [8.0, 0.25, 0.0, 0.05], [32, 32, 32, 32])
    assert found == {
        "examples_per_s": 16.0,
        "step_ms_median": 2000.0,
        "input_wait_fraction": pytest.approx(0.05),
        "first_step_s": 9.0,
        "train_s": 15.0,
    }


def test_a_single_step_stands_for_itself():
    found = summary.timing([2.0], [1.0], [4])
    assert found["step_ms_median"] == 2000.0
    assert found["input_wait_fraction"] == 0.5


def test_a_short_batch_counts_as_what_it_is():
    found = summary.timing([9.0, 1.0, 1.0], [0.0, 0.0, 0.0], [32, 32, 16])
    assert found["examples_per_s"] == 24.0


def test_figures_of_an_evaluation():
    confusion = np.array([[3, 1, 0, 0], [0, 2, 0, 0], [0, 0, 0, 0], [0, 0, 4, 0]])
    found = summary.evaluation(5.0, confusion)
    assert found["test_accuracy"] == 0.5
    assert found["test_loss"] == 0.5
    assert found["test_clips"] == 10
    assert found["test_accuracy_by_class"] == {
        "sine": 0.75,
        "constant": 1.0,
        "ascending": None,
        "descending": 0.0,
    }


def test_the_hash_of_weights_sees_values_shapes_types_and_order():
    one, two = np.arange(4, dtype=np.float32), np.ones(2, np.float32)
    hashes = [
        summary.weights_sha256(weights)
        for weights in (
            [one, two],
            [two, one],
            [one.reshape(2, 2), two],
            [one.astype(np.float64), two],
            [np.nextafter(one, 9, dtype=np.float32), two],
        )
    ]
    assert len(set(hashes)) == len(hashes)
    assert summary.weights_sha256([one[::1], two]) == hashes[0]
    big_endian = one.astype(">f4")
    assert summary.weights_sha256([big_endian, two]) == hashes[0]


def test_a_summary_is_read_back_and_a_broken_one_is_none(tmp_path):
    assert summary.read(tmp_path) is None
    summary.write(tmp_path, {"steps": 3})
    assert summary.read(tmp_path) == {"steps": 3}
    (tmp_path / "summary.json").write_text("{")
    assert summary.read(tmp_path) is None
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]
