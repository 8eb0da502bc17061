import numpy as np
import pytest

import dotmotion_tfds
from trainers import models

torch = pytest.importorskip("torch", reason="the extra 'peers' is not installed")


@pytest.mark.parametrize("name", ["cnn_lstm", "conv_lstm"])
def test_pytorch_s_models_are_keras_s(name):
    from benchmarks import torch_models

    keras_model = models.build(name, layers="stock")
    torch_model = torch_models.build(name, keras_model.get_weights(), 50, 130)
    video = dotmotion_tfds.clips(range(3))["video"]
    expected = keras_model(models.normalize(video)).numpy()
    second = torch.from_numpy(np.moveaxis(video, -1, 2).copy()).float() / 255
    with torch.inference_mode():
        found = torch.softmax(torch_model(second), 1).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
