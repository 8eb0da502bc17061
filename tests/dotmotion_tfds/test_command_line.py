import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dotmotion_tfds.command_line import Flags, UsageError, fail
from trainers import main
from trainers.options import OptionsError


def make_flags():
    flags = Flags()
    flags.string("name", "dot", "what it is called")
    flags.integer("count", None, "how many")
    flags.number("speed", 1.5, "pixels a frame")
    flags.boolean("fast", "hurry")
    return flags


def test_values_are_read_and_the_rest_keep_their_defaults():
    found = make_flags().parse(["program", "--count=3", "--fast"])
    assert found == {"name": "dot", "count": 3, "speed": 1.5, "fast": True}


def test_two_programs_share_no_flags():
    make_flags()
    assert make_flags().parse(["program"])["name"] == "dot"


@pytest.mark.parametrize("argument", ["--help", "-h"])
def test_help_is_asked_for(argument):
    assert make_flags().parse(["program", argument, "--count=3"]) is None


def test_help_shows_every_flag_once_with_its_default():
    lines = make_flags().help("About.\n").splitlines()
    assert lines[0] == "About."
    assert "  --name: what it is called (default dot)" in lines
    assert "  --count: how many" in lines
    assert "  --fast: hurry" in lines
    assert len(lines) == 8


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--count=x", "--count='x' is not usable: expected an integer"),
        ("--speed=x", "--speed='x' is not usable: expected a number"),
        ("--fast=x", "--fast='x' is not usable: expected true or false"),
        ("--cuont=3", "Did you mean: count"),
        ("more", "unexpected argument 'more'"),
        ("--count", "Missing value for flag --count"),
        ("--flagfile=/missing", "flagfile"),
    ],
)
def test_wrong_usage_is_one_line(argument, message):
    with pytest.raises(UsageError) as caught:
        make_flags().parse(["program", argument])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def flags_with_files(**limits):
    flags = make_flags()
    flags.positional("files", "files to read", **limits)
    return flags


@pytest.mark.parametrize(
    "arguments",
    [["a", "b", "--count=3"], ["--count=3", "a", "b"], ["a", "--count=3", "b"]],
)
def test_arguments_stand_before_and_after_options(arguments):
    found = flags_with_files().parse(["program", *arguments])
    assert found == {
        "files": ["a", "b"],
        "name": "dot",
        "count": 3,
        "speed": 1.5,
        "fast": False,
    }


def test_what_follows_two_dashes_is_an_argument():
    assert flags_with_files().parse(["program", "--", "--count"])["files"] == ["--count"]


@pytest.mark.parametrize(
    ("limits", "arguments", "message"),
    [
        ({}, [], "arguments expected: 1 or more (files to read), given: 0"),
        ({"least": 2, "most": 2}, ["a"], "arguments expected: 2 (files to read), given: 1"),
        (
            {"least": 0, "most": 1},
            ["a", "b"],
            "arguments expected: 0 to 1",
        ),
        ({}, ["a", "--cuont=3"], "Did you mean: count"),
    ],
)
def test_too_few_or_too_many_arguments_are_one_line(limits, arguments, message):
    with pytest.raises(UsageError) as caught:
        flags_with_files(**limits).parse(["program", *arguments])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_as_many_arguments_as_are_allowed_are_taken():
    assert flags_with_files(least=0, most=1).parse(["program"])["files"] == []
    assert flags_with_files(least=2, most=2).parse(["program", "a", "b"])["files"] == [
        "a",
        "b",
    ]


def test_help_shows_arguments_before_options():
    lines = flags_with_files().help("About.").splitlines()
    assert lines[:5] == ["About.", "", "Arguments:", "  FILES: files to read", ""]
    assert lines[5] == "Options:"


def test_help_needs_no_arguments():
    assert flags_with_files(least=2).parse(["program", "--help"]) is None


def test_a_failure_is_a_line_on_standard_error(capsys):
    assert fail(UsageError("no"), 2) == 2
    assert capsys.readouterr() == ("", "error: no\n")


NAMES = sorted(name for name in main.define_flags().values if name not in ("h", "help"))
VALUES = st.one_of(
    st.text(max_size=12),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["standard", "notebook", "{}", '{"frames": []}', "cache", "tfds", "["]),
)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4))
@settings(max_examples=300, deadline=None)
def test_any_values_of_the_trainer_are_options_or_one_line(values):
    argv = ["main", *(f"--{name}={value}" for name, value in values.items())]
    message = "options"
    try:
        main.parse(argv)
    except (UsageError, OptionsError) as error:
        message = str(error)
    assert len(message.splitlines()) == 1
