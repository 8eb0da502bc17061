import io

import pytest

from benchmarks.doctor.diagnosis import Prescription
from benchmarks.doctor.printable import printable
from tests.benchmarks.doctor import diagnoses


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("decode_jpeg (input.py:31)", "decode_jpeg (input.py:31)"),
        ("two\nlines", "two\nlines"),
        ("a\tb", "a   b"),
        ("\x1b[31m\r\x00", "\\x1b[31m\\r\\x00"),
        ("\u202eright to left", "\\u202eright to left"),
        ("\ud800", "\\ud800"),
        ("\u6f22\u5b57", "\u6f22\u5b57"),
    ],
)
def test_what_is_no_letter_is_shown_by_its_code(text, shown):
    assert printable(text) == shown
    assert printable(shown) == shown


def test_an_encoding_without_a_letter_shows_its_code():
    assert printable("\u6f22 \xe9", "ascii") == "\\u6f22 \\xe9"
    assert printable("\u6f22 \xe9", "latin-1") == "\\u6f22 \xe9"


def test_all_text_in_a_value_is_made_printable_and_the_rest_stays():
    given = Prescription("\r", 1, "\r", "\r", None, 2.0, True, False)
    assert printable({"\r": [given, ("\r", 3)]}) == {
        "\\r": [Prescription("\\r", 1, "\\r", "\\r", None, 2.0, True, False), ("\\r", 3)]
    }


@pytest.mark.parametrize("make", diagnoses.ALL.values(), ids=diagnoses.ALL)
def test_any_diagnosis_can_be_written(make):
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    file.write(repr(printable(make(), "ascii")))
