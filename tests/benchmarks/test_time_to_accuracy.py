import pytest

from benchmarks import time_to_accuracy


@pytest.mark.parametrize(
    ("hits", "expected", "looked_at"),
    [
        ([100] * 10, 1000, 10),
        ([99] * 10, 990, 10),
        ([*[99] * 9, 98], None, 10),
        ([89, *[100] * 9], None, 1),
        ([90, *[100] * 9], 990, 10),
        ([95, 94, *[100] * 8], None, 2),
    ],
)
def test_unseen_clips_are_looked_at_until_too_many_are_wrong(hits, expected, looked_at):
    batches = iter(hits)
    assert time_to_accuracy._enough(batches) == expected
    assert len(hits) - len(list(batches)) == looked_at


def test_a_table_has_all_runs():
    found = {
        "cnn_lstm": {
            "fast": [
                {"seed": 0, "steps": 90, "train_s": 10.12, "test_accuracy": 0.992},
                {"seed": 1, "steps": None, "train_s": None, "test_accuracy": 0.98},
            ]
        }
    }
    assert time_to_accuracy.table(found)[1:] == [
        ["cnn_lstm, fast", "90, not reached", "10.1 s, not reached"]
    ]
