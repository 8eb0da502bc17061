import pytest

from benchmarks import input, peers


@pytest.mark.parametrize(
    ("program", "arguments", "message"),
    [
        (input, ["--groups=none"], "--groups='none': expected some of"),
        (input, ["--clips=100"], "clips=100 is out of range"),
        (input, ["--batch_size=64", "--clips=100"], "use --clips=64"),
        (input, ["--seconds=0"], "--seconds=0"),
        (input, ["--processes=3"], "--processes=3: expected one of (1, 2, 4)"),
        (peers, ["--clips=600"], "use --clips=512"),
        (peers, ["--repeats=0"], "repeats=0"),
    ],
)
def test_wrong_usage_is_one_line(program, arguments, message, capsys):
    assert program.main(["program", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


@pytest.mark.parametrize("program", [input, peers])
def test_help_has_examples(program, capsys):
    assert program.main(["program", "--help"]) == 0
    assert "python -m benchmarks." in capsys.readouterr().out
