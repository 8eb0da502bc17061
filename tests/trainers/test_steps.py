import keras
import numpy as np
import pytest
import tensorflow as tf

import dotmotion_tfds
from tests.conftest import SMALL_SPEC, mirrored
from trainers import feed, models, steps

CLIP_NORM = 0.05


def batches(rows):
    return dotmotion_tfds.stream(config=SMALL_SPEC, batch_size=rows)


def first_batch(strategy, rows):
    def make_shard(shard):
        del shard
        return batches(rows).take(1).map(feed.with_weights)

    return next(iter(feed.distribute(strategy, make_shard)))


def plain_gradients(model, rows):
    """The gradient of the mean loss, as one writes it without any strategy."""
    batch = next(iter(batches(rows)))
    with tf.GradientTape() as tape:
        probabilities = model(tf.cast(batch["video"], tf.float32) / 255)
        loss = tf.reduce_mean(
            keras.losses.categorical_crossentropy(
                tf.one_hot(batch["label"], 4), probabilities
            )
        )
    return loss, tape.gradient(loss, [weight.value for weight in model.trainable_weights])


@pytest.mark.parametrize(
    ("name", "replicas", "rows", "clip_norm"),
    [
        ("cnn_lstm", 1, 8, 0.0),
        ("cnn_lstm", 2, 8, CLIP_NORM),
        ("cnn_lstm", 2, 3, 0.0),
        ("cnn_lstm", 2, 1, CLIP_NORM),
        ("conv_lstm", 1, 1, CLIP_NORM),
        ("conv_lstm", 2, 8, 0.0),
        ("conv_lstm", 2, 3, CLIP_NORM),
    ],
)
def test_a_step_follows_the_gradient_of_the_global_batch(name, replicas, rows, clip_norm):
    strategy = mirrored(replicas)
    with strategy.scope():
        model = models.build(name, clip_shape=SMALL_SPEC.video_shape)
        # With plain descent the change of the weights is the gradient.
        optimizer = keras.optimizers.SGD(1.0)
        optimizer.build(model.trainable_variables)
    loss, gradients = plain_gradients(model, rows)
    norm = np.sqrt(sum(np.sum(np.square(gradient)) for gradient in gradients))
    before = model.get_weights()
    train_step = steps.make_train_step(strategy, model, optimizer, clip_norm=clip_norm)
    found = train_step(first_batch(strategy, rows)).numpy()
    np.testing.assert_allclose(found[[0, 2, 3]], [loss, norm, rows], rtol=1e-4)
    assert norm > CLIP_NORM
    scale = clip_norm / norm if clip_norm else 1
    for old, new, gradient in zip(before, model.get_weights(), gradients, strict=True):
        np.testing.assert_allclose(old - new, scale * gradient, rtol=2e-3, atol=2e-6)


@pytest.mark.parametrize("layers", ["fast", "stock"])
@pytest.mark.parametrize("replicas", [1, 2])
def test_recurrent_weights_stay_within_their_limit(replicas, layers):
    strategy = mirrored(replicas)
    with strategy.scope():
        model = models.build(
            "conv_lstm",
            clip_shape=SMALL_SPEC.video_shape,
            layers=layers,
            recurrent_max_norm=0.05,
        )
        optimizer = keras.optimizers.SGD(1.0)
        optimizer.build(model.trainable_variables)
    train_step = steps.make_train_step(strategy, model, optimizer, clip_norm=CLIP_NORM)
    train_step(first_batch(strategy, 4))
    for weight in model.weights:
        if weight.name == "recurrent_kernel":
            norms = np.linalg.norm(np.reshape(weight, (-1, weight.shape[-1])), axis=0)
            np.testing.assert_allclose(norms, 0.05, rtol=1e-4)


@pytest.mark.parametrize("replicas", [1, 2])
@pytest.mark.parametrize("rows", [1, 6])
def test_evaluation_counts_every_clip_once(replicas, rows):
    strategy = mirrored(replicas)
    with strategy.scope():
        model = models.build("cnn_lstm", clip_shape=SMALL_SPEC.video_shape)
    eval_step = steps.make_eval_step(strategy, model, 4)
    loss_sum, confusion = eval_step(first_batch(strategy, rows))
    loss, _ = plain_gradients(model, rows)
    batch = next(iter(batches(rows)))
    predicted = np.argmax(model(models.normalize(batch["video"])), axis=-1)
    np.testing.assert_allclose(loss_sum, loss * rows, rtol=1e-5)
    expected = np.zeros((4, 4), int)
    np.add.at(expected, (batch["label"].numpy(), predicted), 1)
    np.testing.assert_array_equal(confusion, expected)


@pytest.mark.parametrize("layers", ["fast", pytest.param("stock", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("name", "replicas"),
    [
        pytest.param("cnn_lstm", 1, marks=pytest.mark.slow),
        ("cnn_lstm", 2),
        pytest.param("conv_lstm", 1, marks=pytest.mark.slow),
        pytest.param("conv_lstm", 2, marks=pytest.mark.slow),
    ],
)
def test_a_compiled_step_is_the_step(name, replicas, layers):
    strategy = mirrored(replicas)
    outcomes = []
    for use_xla in (False, True):
        with strategy.scope():
            model = models.build(name, clip_shape=SMALL_SPEC.video_shape, layers=layers)
            optimizer = keras.optimizers.SGD(0.1)
            optimizer.build(model.trainable_variables)
        step = steps.make_train_step(
            strategy, model, optimizer, clip_norm=CLIP_NORM, use_xla=use_xla
        )
        evaluate = steps.make_eval_step(strategy, model, 4, use_xla=use_xla)
        found = step(first_batch(strategy, 4)).numpy()
        outcomes.append([found, *evaluate(first_batch(strategy, 4)), *model.get_weights()])
    for plain, compiled in zip(*outcomes, strict=True):
        np.testing.assert_allclose(compiled, plain, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "clip_norm", [pytest.param(0.0, marks=pytest.mark.slow), CLIP_NORM]
)
def test_a_scaled_loss_changes_nothing_but_skips_overflow(clip_norm):
    strategy = mirrored(2)
    outcomes = []
    for precision in ("float32", "mixed_float16"):
        with strategy.scope():
            # The optimizer's part alone: float16 kernels are not for a CPU.
            model = models.build("cnn_lstm", clip_shape=SMALL_SPEC.video_shape)
            optimizer = steps.make_optimizer(1e-2, precision)
            optimizer.build(model.trainable_variables)
        step = steps.make_train_step(strategy, model, optimizer, clip_norm=clip_norm)
        outcomes.append([step(first_batch(strategy, 4)).numpy(), *model.get_weights()])
    for plain, scaled in zip(*outcomes, strict=True):
        np.testing.assert_allclose(scaled, plain, rtol=1e-3, atol=1e-5)
    assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    before = model.get_weights()
    optimizer.dynamic_scale.assign(np.inf)
    step(first_batch(strategy, 4))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
