import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from dotmotion_tfds import ClipSpec, elements, splitmix, stream
from dotmotion_tfds.arrays import NUMPY
from dotmotion_tfds.configs import CONFIGS
from dotmotion_tfds.native import clips
from tests.processes import python

specs = st.builds(
    ClipSpec,
    frames=st.integers(1, 9),
    height=st.integers(4, 40),
    width=st.integers(4, 40),
    dot_size=st.integers(1, 4),
    noise=st.floats(0, 1),
    channels=st.sampled_from([1, 3]),
    contrast=st.integers(1, 255),
    as_notebook=st.booleans(),
)


def require_equal(spec, indices, *, split="train", seed=0):
    indices = np.asarray(indices, np.int64)
    found = clips.render_clips(spec, tf.constant(indices), split=split, seed=seed)
    expected = elements.render_clips(NUMPY, spec, indices, split=split, seed=seed)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].shape == value.shape
        np.testing.assert_array_equal(found[name], value, err_msg=name)


@settings(max_examples=60, deadline=None)
@given(
    spec=specs,
    indices=st.lists(st.integers(0, 2**63 - 1), max_size=9),
    split=st.sampled_from(["train", "test"]),
    seed=st.integers(0, 2**63 - 1),
)
def test_clips_are_those_of_the_definition(spec, indices, split, seed):
    require_equal(spec, indices, split=split, seed=seed)


@pytest.mark.parametrize("name", ["standard", "notebook", "large"])
def test_named_configs_are_equal(name):
    require_equal(CONFIGS[name].spec, range(8 if name == "large" else 400))


def test_only_the_dot_alone_at_even_speed_is_drawn():
    assert clips.is_usable(CONFIGS["standard"].spec)
    assert not clips.is_usable(CONFIGS["hard"].spec)
    assert not clips.is_usable(ClipSpec(varying_speed=True))


def test_a_stream_uses_the_operation_and_is_the_same_without_it():
    program = (
        "import hashlib, dotmotion_tfds\n"
        "batches = dotmotion_tfds.stream(batch_size=8, start_step=3).take(2)\n"
        "data = b''.join(b['video'].numpy().tobytes() for b in batches)\n"
        "print(hashlib.sha256(data).hexdigest(),"
        " 'DotmotionClips' in str(batches._as_serialized_graph().numpy()))"
    )
    with_it, without = (
        python("-c", program, env={"DOTMOTION_KERNELS": kernels}).stdout.split()
        for kernels in ("on", "off")
    )
    assert with_it[0] == without[0]
    assert (with_it[1], without[1]) == ("True", "False")


def test_a_stream_knows_its_shapes():
    spec = stream(batch_size=4, config={"frames": 3, "height": 8, "width": 9}).element_spec
    assert spec["video"].shape == (4, 3, 8, 9, 1)
    assert spec["label"].shape == (4,)
    assert spec["centers"].shape == (4, 3, 2)


def run_operation(**inputs):
    """The operation on one clip of one frame of 4 x 4 pixels, its dot in a corner."""
    return clips.LIBRARY.load().ops.dotmotion_clips(
        **{
            "indices": [0],
            "colors": [0],
            "keys": np.zeros(2, np.uint64),
            "label_orders": np.zeros((24, 4), np.int32),
            "lowest": np.zeros((4, 1, 2), np.int32),
            "thresholds": np.zeros((4, 1, 2, 1), np.uint64),
            "crossed_rows": np.zeros((2, 1), np.int32),
            "patterns": np.zeros((3, 4, 1), np.uint8),
            "height": 4,
            "first_row": 0,
            "first_column": 0,
            "num_columns": 2,
            **inputs,
        }
    )


def test_a_draw_has_to_be_above_a_threshold():
    zero = np.uint64(0)
    of_clip = splitmix.draws(NUMPY, zero, np.zeros(1, np.uint64))
    draws = splitmix.draws(NUMPY, of_clip, np.arange(2, dtype=np.uint64))
    thresholds = np.broadcast_to(draws.reshape(1, 1, 2, 1), (4, 1, 2, 1))
    assert run_operation(thresholds=thresholds).centers.numpy().tolist() == [[[0, 0]]]
    below = run_operation(thresholds=thresholds - np.uint64(1))
    assert below.centers.numpy().tolist() == [[[1, 1]]]


def test_colors_that_are_not_there_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="color 1 of 1"):
        run_operation(colors=[1])
