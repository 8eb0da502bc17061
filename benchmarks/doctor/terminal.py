"""Shows a diagnosis in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import Box
from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from benchmarks.doctor import wording
from benchmarks.doctor.diagnosis import Diagnosis, Prescription, Stage
from benchmarks.doctor.printable import printable

# A line below the headings, in any encoding.
_RULED = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
_BAR_CELLS = 8
_EIGHTHS = " \u258f\u258e\u258d\u258c\u258b\u258a\u2589\u2588"
_MARK = ">"
_BOTTLENECK = "bold yellow"
# From here on there is room for two spaces between the columns.
_WIDE = 96
_HEADINGS = (
    "stage\noperation",
    "elements\neach",
    "self\ntime",
    "CPU\nwaiting",
    "parallel\nbuf, full",
    "bytes\nout/in",
    "rate up\nto here",
    "share of\nthe time",
)
_ABOUT = (
    "Times and counts are for one element of the whole pipeline, a batch as a rule; 'each' "
    "is the time of one of the stage's own. The rate is that of the pipeline cut after the "
    "stage, a second."
)


def show(diagnosis: Diagnosis, console: Console) -> None:
    """Prints all of a diagnosis: first the verdict, then where the time goes and the cure.

    Args:
      diagnosis: what was found. Control characters in its names are shown, not obeyed.
      console: where to. 100 columns are enough, and colours are not needed.
    """
    found = printable(diagnosis, console.encoding)
    has_failed = wording.has_failed(found)
    console.print(_verdict(found))
    console.print(_facts(found, 2 if console.width >= _WIDE else 1))
    if found.stages:
        _print_heading(console, "Stages" if has_failed else "Where the time goes")
        console.print(_stages(found, console))
        about = "Times were not measured." if has_failed else _ABOUT
        if wording.bottleneck_stage(found) is not None:
            about = f"{about} {_MARK} {wording.mark(found)}."
        console.print(Text(about, style="dim"))
    if found.prescriptions:
        _print_heading(console, "What to change")
        console.print(_prescriptions(found))
    elif not has_failed:
        _print_heading(console, "What to change")
        console.print(Text("Nothing that would help was found."))
    if not has_failed:
        console.print()
        console.print(Text(wording.tune_text(found), style="bold"))
    if found.problems:
        _print_heading(console, "Problems")
        marks = ["-"] * len(found.problems)
        console.print(_listed(marks, [Text(problem) for problem in found.problems]))
    if found.what_if is not None:
        _print_heading(console, "With accelerators")
        console.print(Text(wording.what_if_text(found.what_if), style="bold"))
        console.print(_pairs(wording.what_if_facts(found.what_if, found.cores)))


def _print_heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold underline"))


def _verdict(diagnosis: Diagnosis) -> RenderableType:
    if wording.has_failed(diagnosis):
        colour = "red"
    else:
        colour = "yellow" if diagnosis.prescriptions else "green"
    lines = [Text(diagnosis.verdict, style="bold")]
    if diagnosis.bottleneck:
        lines.append(Text(wording.bottleneck_text(diagnosis)))
    title = Text(" Verdict ", style=f"bold {colour}")
    return Panel(
        Group(*lines), title=title, title_align="left", border_style=colour, padding=(0, 1)
    )


def _facts(diagnosis: Diagnosis, columns: int) -> RenderableType:
    """Pairs side by side, down the first column and then down the next."""
    pairs = wording.facts(diagnosis)
    rows = -(-len(pairs) // columns)
    grid = Table.grid(padding=(0, 4, 0, 0))
    for _ in range(columns):
        grid.add_column()
    parts = [pairs[start : start + rows] for start in range(0, len(pairs), rows)]
    grid.add_row(*map(_pairs, parts))
    return Padding(grid, (0, 0, 0, 2))


def _pairs(pairs: wording.Pairs) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(Text(name, style="dim"), Text(value))
    return grid


def _stages(diagnosis: Diagnosis, console: Console) -> RenderableType:
    gap = 1 if console.width >= _WIDE else 0
    table = Table(
        box=_RULED,
        padding=(0, gap, 0, 0),
        show_edge=False,
        pad_edge=False,
        header_style="bold",
    )
    table.add_column("", justify="right", no_wrap=True)
    table.add_column(_HEADINGS[0], overflow="fold", ratio=1)
    columns = 1 if wording.has_failed(diagnosis) else len(_HEADINGS)
    for heading in _HEADINGS[1:columns]:
        justify: JustifyMethod = "left" if heading == _HEADINGS[-1] else "right"
        table.add_column(heading, justify=justify, no_wrap=True)
    marked = wording.bottleneck_stage(diagnosis)
    for stage in diagnosis.stages:
        cells = _cells(stage, is_ascii=console.options.ascii_only)[:columns]
        number = str(stage.number)
        if stage is marked:
            table.add_row(f"{_MARK} {number}", *cells, style=_BOTTLENECK)
        else:
            table.add_row(number, *cells)
    return table


def _cells(stage: Stage, *, is_ascii: bool) -> list[Text]:
    """Two lines a cell: what is asked for first above, what explains it below."""
    lines = [
        (stage.label, wording.other_operation(stage)),
        (wording.count_text(stage.elements), wording.time_text(stage.element_us)),
        (wording.time_text(stage.self_us), ""),
        (wording.time_text(stage.cpu_us), wording.time_text(stage.wait_us)),
        (wording.count_text(stage.parallelism), wording.buffer_text(stage)),
        (
            wording.bytes_text(stage.bytes_out),
            wording.ratio_or_nothing(stage.amplification),
        ),
        (wording.per_s_text(stage.rate_up_to_here), ""),
        (wording.share_text(stage.share), _bar(stage.share, is_ascii=is_ascii)),
    ]
    return [_stacked(above, below) for above, below in lines]


def _stacked(above: str, below: str) -> Text:
    if not below:
        return Text(above)
    return Text.assemble(above, "\n", (below, "dim"))


def _bar(share: float, *, is_ascii: bool) -> str:
    """A bar that is not empty for any share but 0."""
    part = max(0.0, min(share, 1.0))
    if is_ascii:
        return "#" * max(round(_BAR_CELLS * part), part > 0)
    eighths = max(round(8 * _BAR_CELLS * part), part > 0)
    whole, rest = divmod(eighths, 8)
    return _EIGHTHS[8] * whole + (_EIGHTHS[rest] if rest else "")


def _prescriptions(diagnosis: Diagnosis) -> RenderableType:
    marks = [f"{number}." for number in range(1, len(diagnosis.prescriptions) + 1)]
    told = [_prescription(each, diagnosis) for each in diagnosis.prescriptions]
    return _listed(marks, told, gap=True)


def _prescription(prescription: Prescription, diagnosis: Diagnosis) -> RenderableType:
    label = wording.label_of(diagnosis, prescription.stage)
    title = Text.assemble((prescription.kind, "bold"), " at ", label)
    pairs = [
        ("why", prescription.reason),
        ("edit", prescription.edit),
        ("gain", wording.gain_text(prescription)),
        ("tune", wording.care_text(prescription)),
    ]
    return Group(title, _pairs(pairs))


def _listed(
    marks: Sequence[str], items: Sequence[RenderableType], *, gap: bool = False
) -> RenderableType:
    """Items with a mark before each, and perhaps a line between them."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    for number, (mark, item) in enumerate(zip(marks, items, strict=True)):
        if gap and number:
            grid.add_row()
        grid.add_row(Text(mark), item)
    return grid
