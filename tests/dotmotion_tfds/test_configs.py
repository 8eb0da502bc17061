import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dotmotion_tfds import CONFIGS, ClipSpec, SpecError, resolve_config
from dotmotion_tfds.configs import config_named, with_encoding


def test_a_name_a_mapping_json_and_a_spec_lead_to_the_same_config():
    spec = ClipSpec(frames=10, height=32, width=64)
    by_spec = resolve_config(spec)
    assert resolve_config({"frames": 10, "height": 32, "width": 64}) == by_spec
    assert resolve_config('{"frames": 10, "height": 32, "width": 64}') == by_spec
    assert resolve_config(by_spec) is by_spec
    assert by_spec.spec == spec


def test_the_geometry_of_a_named_config_is_that_config():
    assert resolve_config("{}") is CONFIGS["standard"]
    assert resolve_config(ClipSpec(as_notebook=True)) is CONFIGS["notebook"]


def test_sizes_of_the_notebook_are_80_and_80():
    assert dict(CONFIGS["notebook"].split_sizes) == {"train": 80, "test": 80}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("standart", "unknown config 'standart': expected 'standard' or 'notebook' or"),
        ("", "unknown config ''"),
        ('{"frames": 10', "not valid JSON"),
        ('{"heigth": 32}', "unknown key 'heigth'.*frames, height, width, dot_size, noise"),
        ('{"dot_size": 99}', "dot_size=99 does not fit a frame of 50 x 130"),
        ('{"frames": "many"}', "frames='many'"),
        ('{"as_notebook": true}', "unknown key 'as_notebook'"),
        ('{"encoding": "gif"}', "unknown encoding 'gif': expected 'zlib' or 'raw'"),
        ("hard_trajectories", "stores centres only"),
        ("standard_png_raw", "unknown config 'standard_png_raw'"),
        (17, "type int"),
        (None, "type NoneType"),
    ],
)
def test_what_is_not_a_config_is_refused_in_one_line(config, message):
    with pytest.raises(SpecError, match=message) as caught:
        resolve_config(config)
    assert "\n" not in str(caught.value)


specs = st.builds(
    ClipSpec,
    frames=st.integers(6, 30),
    height=st.integers(8, 99),
    width=st.integers(8, 99),
    noise=st.floats(0, 2),
    channels=st.sampled_from([1, 3]),
    contrast=st.integers(1, 255),
    sensor_noise=st.floats(0, 64),
    distractors=st.integers(0, 7),
    occluded_frames=st.integers(0, 5),
    varying_speed=st.booleans(),
    as_notebook=st.booleans(),
)


@given(specs, st.sampled_from(["raw", "png", "zlib"]))
@example(ClipSpec(), "raw")
@example(ClipSpec(frames=3, noise=1e-7), "zlib")
@example(ClipSpec(noise=0.30000000000000004), "zlib")
def test_a_config_is_found_by_its_name(spec, encoding):
    config = with_encoding(resolve_config(spec), encoding)
    assert config_named(config.name) == config
    assert (config.spec, config.encoding) == (spec, encoding)


def test_an_encoding_changes_the_name_and_nothing_else():
    raw = resolve_config({"encoding": "raw"})
    assert raw.name == "standard_raw"
    assert raw == resolve_config("standard_raw")
    assert raw.split_sizes == CONFIGS["standard"].split_sizes
    assert resolve_config('{"encoding": "zlib"}') is CONFIGS["standard"]
    assert resolve_config("standard_zlib") is CONFIGS["standard"]
    assert resolve_config("standard_trajectories") is CONFIGS["trajectories"]
    assert resolve_config("trajectories_zlib") is CONFIGS["standard"]
    assert resolve_config("hard_raw") is CONFIGS["hard"]


@pytest.mark.parametrize("name", ["hard", "large", '{"occluded_frames": 3}'])
def test_centres_are_not_stored_alone_where_they_do_not_tell_all(name):
    with pytest.raises(SpecError, match="stores centres only"):
        with_encoding(resolve_config(name), "trajectories")


@pytest.mark.parametrize(
    "name", ["", "standart", "frames3_9x9_dot6_noise01", "frames0_9x9_dot6_noise1"]
)
def test_a_name_of_no_config_is_refused(name):
    with pytest.raises(SpecError):
        config_named(name)
