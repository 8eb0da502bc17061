import pytest

from dotmotion_tfds import CONFIGS, ClipSpec, SpecError, resolve_config
from dotmotion_tfds.configs import config_named


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
        ("standart", "unknown config 'standart': expected 'standard' or 'notebook'"),
        ("", "unknown config ''"),
        ('{"frames": 10', "not valid JSON"),
        ('{"heigth": 32}', "unknown key 'heigth'.*frames, height, width, dot_size, noise"),
        ('{"dot_size": 99}', "dot_size=99 does not fit a frame of 50 x 130"),
        ('{"frames": "many"}', "frames='many'"),
        (17, "type int"),
        (None, "type NoneType"),
    ],
)
def test_what_is_not_a_config_is_refused_in_one_line(config, message):
    with pytest.raises(SpecError, match=message) as caught:
        resolve_config(config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "spec",
    [ClipSpec(), ClipSpec(frames=3, noise=1e-7), ClipSpec(noise=0.30000000000000004)],
)
def test_a_config_is_found_by_its_name(spec):
    config = resolve_config(spec)
    assert config_named(config.name) == config


@pytest.mark.parametrize(
    "name", ["", "standart", "frames3_9x9_dot6_noise01", "frames0_9x9_dot6_noise1"]
)
def test_a_name_of_no_config_is_refused(name):
    with pytest.raises(SpecError):
        config_named(name)
