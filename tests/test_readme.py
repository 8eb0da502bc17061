"""The README's Python, run as a reader would: each block in a process of its own."""

import pathlib
import re

import pytest

from tests.processes import python

README = pathlib.Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize(
    "number",
    [
        # Half a minute of examining and tuning.
        pytest.param(number, marks=[pytest.mark.slow] if "doctor" in block else [])
        for number, block in enumerate(BLOCKS)
    ],
)
def test_a_python_block_runs(number, tmp_path):
    done = python("-c", BLOCKS[number], cwd=tmp_path, env={"TFDS_DATA_DIR": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    for line, shown in re.findall(
        r"^(print.*?)  # (\(.*?\))", BLOCKS[number], re.MULTILINE
    ):
        assert line.startswith("print(")
        assert shown in done.stdout


def test_there_are_blocks():
    assert len(BLOCKS) == 6


@pytest.mark.parametrize("target", re.findall(r"\]\(((?!http)[^)]+)\)", README.read_text()))
def test_links_lead_somewhere(target):
    assert (README.parent / target).exists()
