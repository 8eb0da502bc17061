import pytest

from dotmotion_tfds import CONFIGS
from trainers.options import OptionsError, resolve_options


def test_the_default_is_the_recipe_of_the_model():
    options = resolve_options()
    assert (options.model, options.config.name, options.data) == (
        "cnn_lstm",
        "standard",
        "stream",
    )
    assert (options.batch_size, options.learning_rate) == (32, 1e-3)
    assert str(options.workdir) == "runs/cnn_lstm-standard"


@pytest.mark.parametrize(("model", "steps"), [("cnn_lstm", 120), ("conv_lstm", 240)])
def test_the_preset_of_the_notebook_is_its_recipe(model, steps):
    options = resolve_options(preset="notebook", model=model)
    assert options.config is CONFIGS["notebook"]
    assert options.data == "cache"
    assert (options.steps, options.batch_size, options.clip_norm) == (steps, 32, 0)


def test_what_is_given_wins_over_the_recipe():
    options = resolve_options(preset="notebook", config="standard", steps=7, batch_size=8)
    assert (options.config.name, options.steps, options.batch_size) == ("standard", 7, 8)
    assert options.data == "cache"


def test_the_identity_leaves_out_what_may_change_between_sessions():
    base = resolve_options().identity()
    same = resolve_options(steps=999, virtual_devices=2, workdir="/x", eval_clips=3)
    assert same.identity() == base
    for change in (
        {"model": "conv_lstm"},
        {"config": "notebook"},
        {"batch_size": 64},
        {"precision": "mixed_bfloat16"},
        {"lstm_activation": "tanh"},
        {"seed": 1},
        {"data": "cache"},
        {"learning_rate": 1e-4},
    ):
        assert resolve_options(**change).identity() != base


def test_the_identity_follows_the_content_of_initial_weights(tmp_path):
    one, other = tmp_path / "a.h5", tmp_path / "b.h5"
    one.write_bytes(b"weights")
    other.write_bytes(b"weights")
    identity = resolve_options(initial_weights=one).identity()
    assert resolve_options().identity()["initial_weights"] is None
    assert resolve_options(initial_weights=other).identity() == identity
    other.write_bytes(b"others")
    assert resolve_options(initial_weights=other).identity() != identity
    missing = resolve_options(initial_weights=tmp_path / "missing.h5")
    with pytest.raises(OptionsError, match=r"can't be read \(No such file"):
        missing.identity()


BAD = [
    ({"precision": "float64"}, "unknown precision 'float64': expected 'float32' or"),
    ({"xla": "yes"}, "unknown xla 'yes': expected 'auto' or 'on' or 'off'"),
    ({"lstm_activation": "sine"}, "unknown lstm_activation 'sine'"),
    ({"lstm_activation": "tanh", "model": "conv_lstm"}, "has no LSTM after convolutions"),
    ({"xla": "on", "deterministic": True}, "leave one of them out"),
    ({"model": "cnn"}, "unknown model 'cnn': expected 'cnn_lstm' or 'conv_lstm'"),
    ({"strategy": "tpu"}, "unknown strategy 'tpu'"),
    ({"preset": "fast"}, "unknown preset 'fast'"),
    ({"data": "disk"}, "unknown data 'disk'"),
    ({"layers": "slow"}, "unknown layers 'slow'"),
    ({"nesting": "deep"}, "unknown nesting 'deep'"),
    ({"config": "standart"}, "unknown config 'standart'"),
    ({"config": '{"dot_size": 51}'}, "dot_size=51 does not fit a frame of 50 x 130"),
    ({"config": '{"height": 7, "dot_size": 2}'}, "frames of 7 x 130 pixels are too small"),
    ({"steps": 0}, "steps=0 is out of range: expected an integer from 1"),
    ({"steps": -3}, "steps=-3"),
    ({"batch_size": 0}, "batch_size=0"),
    ({"batch_size": -32}, "batch_size=-32"),
    (
        {"batch_size": 7, "virtual_devices": 2},
        "batch_size=7 is not divisible by 2 replicas: use a multiple of 2, such as 8",
    ),
    ({"virtual_devices": -1}, "virtual_devices=-1 makes no sense"),
    ({"virtual_devices": 10**6}, "virtual_devices=1000000 makes no sense"),
    ({"virtual_devices": 2, "strategy": "one_device"}, "one replica"),
    ({"learning_rate": 0.0}, "learning_rate=0"),
    ({"learning_rate": float("nan")}, "learning_rate=nan"),
    ({"clip_norm": -1.0}, "clip_norm=-1"),
    ({"recurrent_max_norm": float("inf"), "model": "conv_lstm"}, "recurrent_max_norm=inf"),
    ({"recurrent_max_norm": 0.1}, "which has no ConvLSTM"),
    ({"seed": -1}, "seed=-1"),
    ({"checkpoint_every": 0}, "checkpoint_every=0"),
    ({"eval_clips": 0}, "eval_clips=0"),
    ({"eval_clips": 81, "data": "tfds", "config": "notebook"}, "more than the 80 stored"),
    ({"data_dir": "/data"}, "add --data=tfds"),
    ({"data_dir": "gs://bucket", "data": "tfds"}, "data_dir='gs://bucket' is not usable"),
    ({"workdir": ""}, "workdir='' is not usable"),
    ({"config": ""}, "unknown config ''"),
    ({"batch_size": 1 << 32}, "batch_size=4294967296"),
    ({"steps": 1.5}, "steps=1.5"),
    ({"eval_clips": 10**20}, "eval_clips=1000"),
    ({"virtual_devices": 2, "strategy": "multi_worker_mirrored"}, "each worker has"),
]


@pytest.mark.parametrize(("given", "message"), BAD)
def test_wrong_options_say_what_came_and_what_was_expected(given, message):
    with pytest.raises(OptionsError) as caught:
        resolve_options(**given)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
