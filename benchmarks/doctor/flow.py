"""A picture of a pipeline: from its sources down to the consumer, a row for each stage.

Widths and places across are in percent, and everything else is in pixels: so the picture
is as wide as its page, and its letters stay as large as they are. Ways of elements are on
the left, since names need the room to the right of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from benchmarks.doctor import wording
from benchmarks.doctor.diagnosis import CONSUMER, Diagnosis, Stage
from benchmarks.doctor.lanes import Lanes, lanes
from benchmarks.doctor.printable import printable

_ROW_PIXELS = 74
_NAME_PIXELS = 15
_MORE_PIXELS = 33
_BLOCK_PIXELS = 41
_BLOCK_HEIGHT = 14
_TEXT_HEIGHT = 40
_CONSUMER_HEIGHT = 48
# From the middle of letters down to their base line.
_BASE_PIXELS = 5
# Above a stage, where ways turn to its lane.
_TURN_PIXELS = 34
_LANE_PERCENT = 4.0
# However many lanes there are, names keep the rest.
_LANES_PERCENT = 30.0
_NAMES_PART = 0.78
_FADE_PART = 0.06
# Less than that can't be seen.
_LEAST_PERCENT = 0.5

# The page gives the colours; without one they are those of a light ground.
_STYLE = """
.flow { font: 14px system-ui, sans-serif; }
.flow text { fill: var(--ink, #1a1d21); }
.flow .name, .flow .figure, .flow .mark { font-weight: 600; }
.flow .more { font-size: 13px; fill: var(--faint, #5a6068); }
.flow .mark { fill: var(--ink, #1a1d21); }
.flow .area { fill: transparent; }
.flow .track { fill: var(--band, #f4f5f7); stroke: var(--line, #d9dce0); }
.flow .block, .flow circle { fill: var(--block, #3d84c6); }
.flow .bottleneck .block, .flow .bottleneck circle { fill: var(--hot, #cf7420); }
.flow .way { stroke: var(--faint, #5a6068); stroke-width: 1.5; }
.flow marker path { fill: var(--faint, #5a6068); }
.flow circle { stroke: var(--ground, #fff); stroke-width: 2; }
.flow stop { stop-color: var(--ground, #fff); }
"""
_DEFINITIONS = """
<defs>
<marker id="flow-arrow" viewBox="0 0 8 8" refX="15" refY="4" markerWidth="8"
 markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z"/>
</marker>
<linearGradient id="flow-fade"><stop offset="0" stop-opacity="0"/><stop offset="1"/>
</linearGradient>
</defs>
"""


def flow_svg(diagnosis: Diagnosis) -> str:
    """The picture as an SVG element that may stand in a page or in a file of its own.

    The width of a stage's block is its share of the time. A page can set the colours by
    its properties --ink, --faint, --line, --band, --ground, --block and --hot.

    Args:
      diagnosis: what was found; all of its text is escaped.

    Returns:
      The element, or nothing if there are no stages.
    """
    found = printable(diagnosis)
    if not found.stages:
        return ""
    placed = lanes(found.stages)
    bottleneck = wording.bottleneck_stage(found)
    mark = wording.mark(found)
    is_measured = not wording.has_failed(found)
    height = len(found.stages) * _ROW_PIXELS + _CONSUMER_HEIGHT
    parts = [
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" class="flow" role="img" width="100%" '
            'height="{}" aria-label="{}">'
        ).format(height, _description(found, bottleneck)),
        Markup("<style>{}</style>").format(Markup(_STYLE)),
        Markup(_DEFINITIONS),
        *_ways(placed),
        *(
            _stage(
                row,
                stage,
                placed,
                mark=mark if stage is bottleneck else "",
                is_measured=is_measured,
            )
            for row, stage in enumerate(found.stages)
        ),
        _consumer(found, placed),
        Markup("</svg>"),
    ]
    return str(Markup("\n").join(parts))


def _description(diagnosis: Diagnosis, bottleneck: Stage | None) -> str:
    has_failed = wording.has_failed(diagnosis)
    told = [
        (stage.label if has_failed else f"{stage.label} {wording.share_text(stage.share)}")
        + (f", {wording.mark(diagnosis)}" if stage is bottleneck else "")
        for stage in diagnosis.stages
    ]
    shares = "" if has_failed else ", with shares of the time"
    return f"From the source to the consumer{shares}: {'; '.join(told)}"


def _ways(placed: Lanes) -> Iterator[Markup]:
    last = len(placed.lane_of)
    for start, end in [*placed.ways, *((row, last) for row in placed.ends)]:
        x, y = _x(placed.lane_of[start], placed), _y(start, placed)
        to_x, to_y = _x(_lane(end, placed), placed), _y(end, placed)
        if x != to_x:
            yield _line(x, y, x, to_y - _TURN_PIXELS)
            y = to_y - _TURN_PIXELS
        yield _line(x, y, to_x, to_y, ends=True)


def _line(x: float, y: float, to_x: float, to_y: float, *, ends: bool = False) -> Markup:
    arrow = Markup(' marker-end="url(#flow-arrow)"') if ends else ""
    return Markup('<line class="way" x1="{}%" y1="{}" x2="{}%" y2="{}"{}/>').format(
        x, y, to_x, to_y, arrow
    )


def _lane(row: int, placed: Lanes) -> int:
    """The lane of a stage, or of the consumer after the last one."""
    return placed.lane_of[row if row < len(placed.lane_of) else -1]


def _step(placed: Lanes) -> float:
    return min(_LANE_PERCENT, _LANES_PERCENT / placed.count)


def _x(lane: int, placed: Lanes) -> float:
    """The middle of a lane in percent."""
    return round((lane + 0.5) * _step(placed), 3)


def _left(placed: Lanes) -> float:
    """Where names and blocks begin in percent."""
    return round((placed.count + 0.25) * _step(placed), 3)


def _y(row: int, placed: Lanes) -> float:
    """The middle of a block, or of the consumer, in pixels."""
    if row == len(placed.lane_of):
        return row * _ROW_PIXELS + _CONSUMER_HEIGHT / 2
    return row * _ROW_PIXELS + _BLOCK_PIXELS + _BLOCK_HEIGHT / 2


def _stage(
    row: int, stage: Stage, placed: Lanes, *, mark: str, is_measured: bool
) -> Markup:
    top = row * _ROW_PIXELS
    left = _left(placed)
    width = 100 - left
    names = width * _NAMES_PART
    fade = width * _FADE_PART
    share = max(0.0, min(stage.share, 1.0))
    block = max(width * share, _LEAST_PERCENT if share else 0)
    return Markup(
        '<g class="stage{kind}"><title>{tip}</title>'
        '<rect class="area" x="0" y="{top}" width="100%" height="{row}"/>'
        '<svg x="{left}%" y="{top}" width="{names:.3f}%" height="{text}">'
        '<text class="name" y="{name_y}">{name}</text>'
        '<text class="more" y="{more_y}"><tspan class="mark">{mark}</tspan>{more}</text>'
        "</svg>"
        '<rect x="{fade_x:.3f}%" y="{top}" width="{fade:.3f}%" height="{text}"'
        ' fill="url(#flow-fade)"/>'
        '<text class="figure" x="100%" y="{figure_y}" text-anchor="end">{share}</text>'
        '<text class="more" x="100%" y="{time_y}" text-anchor="end">{time}</text>'
        '<rect class="track" x="{left}%" y="{block_y}" width="{width:.3f}%"'
        ' height="{high}"/>'
        '<rect class="block" x="{left}%" y="{block_y}" width="{block:.3f}%"'
        ' height="{high}"/>'
        '<circle cx="{x}%" cy="{y}" r="6"/></g>'
    ).format(
        kind=" bottleneck" if mark else "",
        tip=_tip(stage, mark=mark, is_measured=is_measured),
        top=top,
        row=_ROW_PIXELS,
        left=left,
        width=width,
        names=names,
        text=_TEXT_HEIGHT,
        name_y=_NAME_PIXELS,
        more_y=_MORE_PIXELS,
        name=stage.name,
        mark=f"{mark} " if mark else "",
        more=_more(stage),
        fade=fade,
        fade_x=left + names - fade,
        figure_y=top + _NAME_PIXELS,
        time_y=top + _MORE_PIXELS,
        share=wording.share_text(stage.share) if is_measured else "",
        time=wording.time_text(stage.self_us) if is_measured else "",
        block_y=top + _BLOCK_PIXELS,
        block=block,
        high=_BLOCK_HEIGHT,
        x=_x(placed.lane_of[row], placed),
        y=_y(row, placed),
    )


def _more(stage: Stage) -> str:
    """What the name does not say of a stage."""
    line = f"({stage.line})" if stage.line else ""
    return " ".join(filter(None, (stage.function, line, wording.other_operation(stage))))


def _tip(stage: Stage, *, mark: str, is_measured: bool) -> str:
    facts = wording.stage_facts(stage) if is_measured else []
    figures = [f"{name}: {value}" for name, value in facts]
    names = [stage.label, wording.other_operation(stage), mark]
    return "\n".join([*filter(None, names), *figures])


def _consumer(diagnosis: Diagnosis, placed: Lanes) -> Markup:
    row = len(diagnosis.stages)
    y = _y(row, placed)
    is_bottleneck = diagnosis.bottleneck == CONSUMER
    step = diagnosis.step_ms
    return Markup(
        '<g class="consumer{kind}"><circle cx="{x}%" cy="{y}" r="6"/>'
        '<text class="name" x="{left}%" y="{base}">{name}{mark}</text>'
        '<text class="more" x="100%" y="{base}" text-anchor="end">{step}</text></g>'
    ).format(
        kind=" bottleneck" if is_bottleneck else "",
        x=_x(_lane(row, placed), placed),
        y=y,
        left=_left(placed),
        base=y + _BASE_PIXELS,
        name=CONSUMER,
        mark=", the bottleneck" if is_bottleneck else "",
        step="" if step is None else f"{wording.time_text(1000 * step)} a step",
    )
