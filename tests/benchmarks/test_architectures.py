import copy

from benchmarks import architectures, series
from tests.benchmarks.result_files import STORED, of_arms

TRAINING = series.load(STORED / "training.json")
RECIPES = series.load(STORED / "recipes-standard.json")


def test_both_stand_side_by_side():
    headings, *lines = architectures.table([of_arms("input"), RECIPES, TRAINING])
    assert headings == ["", "CNN-LSTM", "ConvLSTM", "ratio"]
    assert ["training step", "63.3 ms", "415 ms", "6.56x"] in lines
    assert ["training step, of SGEMM", "57%", "85%", "-"] in lines
    assert ["inference step, clips/s", "1,465", "319", "0.22x"] in lines
    assert ["recipe standard, accuracy, least of seeds", "0.999", "1.000", "-"] in lines
    assert ["recipe standard, training, longest", "12.3 s", "56.0 s", "4.55x"] in lines


def test_the_headline_is_a_sentence():
    assert architectures.sentence([RECIPES, TRAINING]) == (
        "A training step with 32 clips takes 63.3 ms with the CNN-LSTM and 415 ms with the "
        "ConvLSTM: 6.56x the time."
    )


def test_what_is_not_known_is_left_out():
    result = copy.deepcopy(TRAINING)
    del result["models"]["conv_lstm"]
    del result["models"]["cnn_lstm"]["infer"]
    del result["models"]["cnn_lstm"]["train"]["fast_vs"]
    lines = architectures.table([result])
    assert ["training step", "63.3 ms", "-", "-"] in lines
    assert not [line for line in lines if "infer" in line[0] or "Keras" in line[0]]
    assert architectures.sentence([result]) is None
    for empty in ({"benchmark": "training"}, {"benchmark": "recipes", "recipes": 3}):
        assert len(architectures.table([empty])) == 1
        assert architectures.sentence([empty]) is None
