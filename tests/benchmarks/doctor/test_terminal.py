import io
import re

import pytest
from rich.console import Console

from benchmarks.doctor import terminal
from tests.benchmarks.doctor import diagnoses


def shown(diagnosis, width=100, **options):
    """What is printed in a terminal without colours."""
    file = io.StringIO()
    terminal.show(diagnosis, Console(file=file, width=width, **options))
    return file.getvalue()


def flat(text):
    return re.sub(r"[\s│]+", " ", text)


@pytest.mark.parametrize("make", diagnoses.ALL.values(), ids=diagnoses.ALL)
@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_cut(make, width):
    text = shown(make(), width)
    assert max(map(len, text.splitlines())) <= width
    assert "\u2026" not in text


def test_the_verdict_comes_first_and_the_cure_after_the_stages():
    text = shown(diagnoses.with_what_if())
    assert "Verdict" in text.splitlines()[0]
    assert "decode takes 82% of the time" in text.splitlines()[1]
    told = [
        "Bottleneck: decode decode_jpeg (input.py:22)",
        "44.2 elements/s",
        "Where the time goes",
        "> the bottleneck.",
        "What to change",
        "1. vectorise at MapDataset normalise (input.py:23)",
        "called for each image",
        "# instead of",
        "1.90x predicted, 2.10x measured",
        "makes it; elements and their order stay the same",
        "2. decode less at",
        "1.40x predicted, yours to make: not measured",
        "3. other files at TensorSliceDataset (input.py:20)",
        "tune makes the pipeline 2.05x as fast.",
        "With accelerators",
        "does not keep up with 8 replicas",
        "46 at least, of 2 here",
        "medium: the rate",
    ]
    places = [flat(text).index(words) for words in told]
    assert places == sorted(places)
    assert "Problems" not in text


def test_stages_stand_in_order_with_their_figures_and_one_mark():
    lines = shown(diagnoses.plain(), width=120).splitlines()
    firsts = [
        line.split() for line in lines if re.match(r" *(> *)?\d input|[ >]+\d ", line)
    ]
    rows = [words for words in firsts if words[-1].endswith("%")]
    assert [words[0] for words in rows] == ["0", "1", ">", "3", "4", "5"]
    assert " ".join(rows[2]) == (
        "> 2 decode decode_jpeg (input.py:22) 32 44.8 ms 41.2 ms 2 38.5 MB 44.2 82%"
    )
    (below,) = [" ".join(line.split()) for line in lines if "ParallelMapDatasetV2" in line]
    assert below == "ParallelMapDatasetV2 1.40 ms 3.60 ms - 12.0x ██████▌"
    (last,) = [" ".join(line.split()) for line in lines if "16, 3%" in line]
    assert last == "12.5 us 0 us 16, 3% 1.00x"


def test_all_stages_of_a_long_pipeline_are_legible():
    text = shown(diagnoses.long())
    for number in range(15):
        assert f"normalise_and_augment_{number}" in text
    for figure in ("123 ms", "1,024", "999 ms", "1,024, 100%", "1,000x", "123,457"):
        assert len(re.findall(rf"(?<![\d,]){figure}", text)) >= 14
    assert len(re.findall(r"^ *> +\d", text, flags=re.MULTILINE)) == 1
    assert re.search(r"^ *> +7 ", text, flags=re.MULTILINE)


def test_a_pipeline_that_failed_has_its_verdict_and_problems_and_no_tables():
    text = shown(diagnoses.failed())
    assert "The pipeline gave no element" in text
    assert "- decode (input.py:31): InvalidArgumentError" in flat(text)
    assert "[[{{node DecodeJpeg}}]]" in text
    assert "- nothing else could be measured" in text
    for absent in ("Where the time goes", "What to change", "Bottleneck", "tune", "rate"):
        assert absent not in text


def test_a_stage_that_fails_is_marked_among_the_others():
    text = shown(diagnoses.failed_in_a_stage())
    assert "Fails at: decode_drawings decode_jpeg (input.py:23)" in text
    assert "> fails here." in text
    assert re.search(r"^ *> +3 +decode_drawings", text, flags=re.MULTILINE)
    for absent in ("Where the time goes", "What to change", "tune", "0 us", "share"):
        assert absent not in text


def test_it_is_said_if_there_is_nothing_to_mend():
    text = shown(diagnoses.nothing_to_mend())
    assert "Bottleneck: consumer" in text
    assert "Nothing that would help was found." in text
    assert "tune changes nothing by itself." in text
    assert "> the bottleneck" not in text


def test_problems_of_a_pipeline_that_ran_are_shown_too():
    text = shown(diagnoses.plain(problems=("rates were not steady",)))
    assert text.index("Problems") < text.index("- rates were not steady")


def test_names_are_neither_markup_nor_obeyed_by_the_terminal():
    options = {"force_terminal": True, "color_system": None}
    text = shown(diagnoses.hostile(), width=400, **options)
    assert "[bold red]rich[/bold red][/nothing]" in text
    assert "\\x1b[31mred\\x1b]0;title\\x07\\r\\u202e\\ud800\\x00" in text
    assert "31mred" not in re.sub(r"\\x1b\[31mred", "", text)
    assert not re.search(r"\x1b(?!\[[0-9;]*m)|[\x00\x07\r\u202e]", text)
    text.encode()


def test_colours_point_at_the_bottleneck_and_can_be_turned_off():
    options = {"force_terminal": True, "color_system": "truecolor"}
    lines = shown(diagnoses.plain(), **options).splitlines()
    coloured = [line for line in lines if "\x1b[1;33m" in line]
    assert any("decode decode_jpeg" in line for line in coloured)
    assert not any("normalise" in line for line in coloured)
    without = shown(diagnoses.plain(), no_color=True, **options)
    assert not re.search(r"\x1b\[[0-9;]*3\d", without)


def test_a_terminal_without_unicode_has_all_of_it():
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii", errors="strict")
    for make in diagnoses.ALL.values():
        terminal.show(make(), Console(file=file, width=100))
    file.flush()
    assert b"#######" in raw.getvalue()
