"""A report in Markdown: its tables, without the charts."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import tables
from benchmarks.report_sections import Section

_TITLE = "# Benchmarks"


def markdown(sections: Sequence[Section]) -> str:
    """The whole document."""
    blocks = [_TITLE]
    for section in sections:
        blocks += _blocks(section, "##")
    return "\n\n".join(blocks) + "\n"


def _blocks(section: Section, level: str) -> list[str]:
    blocks = [f"{level} {tables.escaped(section.title)}"]
    blocks += [tables.escaped(note) for note in section.notes]
    for table in section.tables:
        blocks += [f"{tables.escaped(table.caption)}:", tables.as_markdown(table.lines)]
    for part in section.parts:
        inner = _blocks(part, f"{level}#")
        # Charts alone leave nothing to say.
        if part.tables or part.parts:
            blocks += inner
    return blocks
