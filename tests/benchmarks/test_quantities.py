import pytest

from benchmarks import quantities


@pytest.mark.parametrize(
    ("per_s", "unit", "text"),
    [
        (47873.7, "clips", "47,874 clips/s"),
        (45.21, "clips", "45.2 clips/s"),
        (99.96, "clips", "100 clips/s"),
        (0.0123, "clips", "0.012 clips/s"),
        (0, "clips", "0 clips/s"),
        (401491346853.1, "flops", "401 GFLOP/s"),
        (999.6, "bytes", "1.00 kB/s"),
        (999.4, "bytes", "999 B/s"),
        (1.27e10, "bytes", "12.7 GB/s"),
        (2e21, "bytes", "2,000,000 PB/s"),
    ],
)
def test_rates_are_written_for_people(per_s, unit, text):
    assert quantities.rate_text(per_s, unit) == text


def test_fractions_and_ratios_have_digits_that_tell_something():
    assert [quantities.percent_text(of) for of in (0.0414, 0.566, 1.177)] == [
        "4.1%",
        "57%",
        "118%",
    ]
    assert [quantities.ratio_text(of) for of in (0.154, 5.211, 11.334, 1234.0)] == [
        "0.15x",
        "5.21x",
        "11.3x",
        "1,234x",
    ]
