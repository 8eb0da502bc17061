import io

import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.conftest import SMALL_JSON
from trainers.options import resolve_options
from trainers.tensorboard_log import TensorBoardLog


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("run")
    log = TensorBoardLog(workdir)
    for step in (1, 2, 3):
        log.scalars(step, {"loss": 1 / step, "accuracy": 0.5})
    log.clips(resolve_options(config=SMALL_JSON, workdir=workdir))
    double = tf.function(lambda value: value * 2, input_signature=[tf.TensorSpec([])])
    log.graph(double.get_concrete_function().graph)
    log.close()
    events = EventAccumulator(str(workdir / "tensorboard"), {"tensors": 0})
    events.Reload()
    return events


def test_scalars_are_curves(written):
    points = [
        (event.step, pytest.approx(float(tf.make_ndarray(event.tensor_proto))))
        for event in written.Tensors("loss")
    ]
    assert points == [(1, 1), (2, 0.5), (3, 1 / 3)]


def test_each_class_has_a_filmstrip_and_an_animation(written):
    for name in ("sine", "constant", "ascending", "descending"):
        for kind, image_format in (("filmstrip", "PNG"), ("animation", "GIF")):
            (event,) = written.Tensors(f"{kind}/{name}")
            metadata = written.SummaryMetadata(f"{kind}/{name}")
            assert metadata.plugin_data.plugin_name == "images"
            picture = tf.make_ndarray(event.tensor_proto)[2]
            with Image.open(io.BytesIO(picture)) as image:
                assert image.format == image_format


def test_the_graph_is_there(written):
    assert any(node.op == "Mul" for node in written.Graph().node)


def test_a_log_that_can_not_be_written_is_a_warning_and_no_error(tmp_path, caplog):
    (tmp_path / "tensorboard").write_text("a file is in the way")
    log = TensorBoardLog(tmp_path)
    for step in (1, 2):
        log.scalars(step, {"loss": 1.0})
    log.clips(resolve_options(config=SMALL_JSON, workdir=tmp_path))
    log.close()
    assert caplog.text.count("no more is written to") == 1


def test_a_log_that_fails_later_is_left(tmp_path, monkeypatch, caplog):
    log = TensorBoardLog(tmp_path)
    log.scalars(1, {"loss": 1.0})

    def fail(*_args, **_options):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.summary, "scalar", fail)
    log.scalars(2, {"loss": 1.0})
    monkeypatch.undo()
    log.scalars(3, {"loss": 1.0})
    log.close()
    assert "No space left on device" in caplog.text
    events = EventAccumulator(str(tmp_path / "tensorboard"), {"tensors": 0})
    events.Reload()
    assert [event.step for event in events.Tensors("loss")] == [1]
