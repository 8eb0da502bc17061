"""A report as one HTML page that needs nothing else, not even a network."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import markupsafe
from plotly import offline

from benchmarks import page_templates
from benchmarks.report_sections import Section

_TEMPLATE = "report_page.html"
_DRAW = """
const figures = JSON.parse(document.getElementById("figures").textContent);
const quiet = { displayModeBar: false, responsive: true };
for (const [id, figure] of Object.entries(figures)) {
  Plotly.newPlot(id, figure.data, figure.layout, quiet);
}
"""
_GOOD = ("faster", "holds")
_BAD = ("slower", "only in old", "outside ")
# Not that of a version, such as "2.21.0".
_FIGURE = re.compile(r"(-|-?\d[\d,]*(\.\d+)?[%x]?)(?![\w.])")
# Letters of a cell that would make its column too wide for one line.
_LONG = 40


def page(sections: Sequence[Section], title: str) -> str:
    """The whole document.

    Scripts of others can't run in it: its policy names the two that may by their hash, and
    forbids all requests.

    Args:
      sections: what it says.
      title: its title and first heading.
    """
    environment = page_templates.environment()
    environment.filters["breakable"] = _breakable
    environment.filters["sides"] = _sides
    environment.filters["verdict"] = _verdict
    numbered = list(_numbered(sections))
    scripts = [markupsafe.Markup(text) for text in (offline.get_plotlyjs(), _DRAW)]
    return environment.get_template(_TEMPLATE).render(
        title=title,
        sections=numbered,
        figures=_json(dict(_figures(numbered))),
        scripts=scripts,
        hashes=[_hash(script) for script in scripts],
    )


@dataclasses.dataclass(frozen=True)
class _Numbered:
    id: str
    section: Section
    parts: list[_Numbered]

    def chart_id(self, number: int) -> str:
        return f"{self.id}-chart-{number}"


def _numbered(sections: Sequence[Section], prefix: str = "part") -> Iterator[_Numbered]:
    """Gives each section an identifier that does not depend on what results call it."""
    for number, section in enumerate(sections, 1):
        own = f"{prefix}-{number}"
        yield _Numbered(own, section, list(_numbered(section.parts, own)))


def _figures(numbered: Sequence[_Numbered]) -> Iterator[tuple[str, Any]]:
    for each in numbered:
        for number, chart in enumerate(each.section.charts, 1):
            yield each.chart_id(number), chart.figure
        yield from _figures(each.parts)


def _json(value: Any) -> markupsafe.Markup:
    """JSON that can't end the element it stands in."""
    return markupsafe.Markup(json.dumps(value).replace("<", "\\u003c"))


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _breakable(text: str) -> markupsafe.Markup:
    """A name that may go on in the next line after a slash."""
    return markupsafe.escape(text).replace("/", markupsafe.Markup("/<wbr>"))


def _sides(lines: Sequence[Sequence[str]]) -> list[str]:
    """The class of each column: numbers stand to the right, and long text may wrap."""
    headings, *rest = lines
    return [_side([cells[number] for cells in rest]) for number in range(len(headings))]


def _side(cells: Sequence[str]) -> str:
    if any(len(cell) > _LONG for cell in cells):
        return "prose"
    figures = sum(bool(_FIGURE.match(cell)) for cell in cells)
    return "number" if figures > len(cells) / 2 else ""


def _verdict(cell: str) -> str:
    """The class of a cell that praises or complains."""
    if cell in _GOOD:
        return "good"
    return "bad" if cell.startswith(_BAD) else ""
