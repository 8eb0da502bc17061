import copy

from benchmarks import architectures, quantities, series
from tests.benchmarks.result_files import STORED, of_arms

TRAINING = series.load(STORED / "training.json")
RECIPES = series.load(STORED / "recipes-standard.json")


def step_ms(model):
    return TRAINING["models"][model]["train"]["ways"]["fast"]["step_ms"]


def test_both_stand_side_by_side():
    headings, *lines = architectures.table([of_arms("input"), RECIPES, TRAINING])
    assert headings == ["", "CNN-LSTM", "ConvLSTM", "ratio"]
    of_cnn, of_conv = step_ms("cnn_lstm"), step_ms("conv_lstm")
    texts = [f"{quantities.number_text(time)} ms" for time in (of_cnn, of_conv)]
    ratio = quantities.ratio_text(of_conv / of_cnn)
    assert ["training step", *texts, ratio] in lines
    fractions = [
        quantities.percent_text(TRAINING["models"][model]["train"]["fraction_of_sgemm"])
        for model in architectures.NAMES
    ]
    assert ["training step, of SGEMM", *fractions, "-"] in lines
    assert "inference step, clips/s" in [line[0] for line in lines]
    assert ["recipe standard, accuracy, least of seeds", "0.999", "1.000", "-"] in lines
    assert ["recipe standard, training, longest", "12.3 s", "56.0 s", "4.55x"] in lines


def test_time_to_accuracy_is_a_median_where_all_seeds_have_come_there():
    runs = [{"steps": steps, "train_s": steps / 10} for steps in (50, 90, 60)]
    short = [*runs, {"steps": None, "train_s": None}]
    result = copy.deepcopy(TRAINING)
    result["accuracy"] = {"cnn_lstm": {"fast": runs}, "conv_lstm": {"fast": short}}
    lines = architectures.table([result])
    assert ["training to 0.99 accuracy", "6.00 s", "-", "-"] in lines
    assert ["steps to 0.99 accuracy", "60", "-", "-"] in lines


def test_the_headline_is_a_sentence():
    of_cnn, of_conv = step_ms("cnn_lstm"), step_ms("conv_lstm")
    assert architectures.sentence([RECIPES, TRAINING]) == (
        f"A training step with 32 clips takes {quantities.number_text(of_cnn)} ms with the "
        f"CNN-LSTM and {quantities.number_text(of_conv)} ms with the ConvLSTM: "
        f"{quantities.ratio_text(of_conv / of_cnn)} the time."
    )


def test_what_is_not_known_is_left_out():
    result = copy.deepcopy(TRAINING)
    del result["models"]["conv_lstm"]
    del result["models"]["cnn_lstm"]["infer"]
    del result["models"]["cnn_lstm"]["train"]["fast_vs"]
    lines = architectures.table([result])
    text = quantities.number_text(step_ms("cnn_lstm"))
    assert ["training step", f"{text} ms", "-", "-"] in lines
    assert not [line for line in lines if "infer" in line[0] or "Keras" in line[0]]
    assert architectures.sentence([result]) is None
    for empty in ({"benchmark": "training"}, {"benchmark": "recipes", "recipes": 3}):
        assert len(architectures.table([empty])) == 1
        assert architectures.sentence([empty]) is None
