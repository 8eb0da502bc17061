"""What a report says, before it becomes a page or Markdown."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import (
    architectures,
    comparison,
    controls,
    report_charts,
    rooflines,
    series,
    tables,
)
from benchmarks.quantities import percent_text
from benchmarks.series import Rate

TITLES = {
    "doctor": "The doctor on pipelines with known faults",
    "input": "Input pipelines",
    "peers": "Other libraries with the same clips",
    "recipes": "Training by the recipes",
    "storage": "Ways to store clips",
    "training": "Training and inference steps",
}
_CAPTIONS = {
    "determinism": "What a fixed order of operations costs",
    "accuracy": "Training until 0.99 of unseen clips are right, by seed",
    "in_one_run": "The stream against memset, the best library and the notebook's loop",
    "per_core": "Clips that a core makes, against the notebook's loop",
    "feed": "Training steps by where their batches come from",
    "grid": "Training from the stream by batch size, strategy and replicas",
}
_SIDE_BY_SIDE = (
    "CNN-LSTM and ConvLSTM with fast layers; the ratio is that of the second to the first"
)


@dataclasses.dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
      caption: what it shows.
      lines: of as many cells; the first has the headings.
    """

    caption: str
    lines: Sequence[Sequence[str]]


@dataclasses.dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes:
      caption: what it shows.
      description: the same figures in words.
      figure: of Plotly, made of what JSON has.
    """

    caption: str
    description: str
    figure: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Section:
    """A section, or a part of one.

    Attributes:
      title: its heading.
      notes: paragraphs before the rest.
      tables: its tables.
      charts: its charts, after the tables.
      parts: sections within it.
    """

    title: str
    notes: Sequence[str] = ()
    tables: Sequence[Table] = ()
    charts: Sequence[Chart] = ()
    parts: Sequence[Section] = ()


@dataclasses.dataclass(frozen=True)
class Measured:
    """A result and where it comes from.

    Attributes:
      name: of its file, without the ending.
      result: as `series.load` returns it.
    """

    name: str
    result: Mapping[str, Any]


def sections(found: Sequence[Measured], against: Sequence[Measured]) -> list[Section]:
    """The sections of a report: summary, machine, and one for each result.

    Args:
      found: the results, at least one.
      against: earlier results of some of the same benchmarks.

    Raises:
      ResultError: if a result can't be used.
    """
    return [
        _summary(found),
        _machine(found),
        *(_of_result(measured, against) for measured in found),
    ]


def _summary(found: Sequence[Measured]) -> Section:
    results = [measured.result for measured in found]
    notes, shown, charts = [], [], []
    lines = architectures.table(results)
    if len(lines) > 1:
        said = architectures.sentence(results)
        notes += [] if said is None else [said]
        shown.append(Table(_SIDE_BY_SIDE, lines))
        charts += _architecture_charts(results)
    for measured in found:
        notes += _highlights(measured)
    every = [
        control for measured in found for control in controls.controls(measured.result)
    ]
    failed = sum(not control.holds for control in every)
    if every:
        notes.append(
            f"{len(every) - failed} of {len(every)} controls hold: they are within "
            f"{controls.RANGE}."
        )
    return Section("Summary", notes, shown, charts)


def _highlights(measured: Measured) -> list[str]:
    """The best of a result's arms, in a sentence."""
    if not isinstance(measured.result.get("arms"), dict):
        return []
    arms = [
        rate
        for rate in series.rates(measured.result).values()
        if rate.name in measured.result["arms"]
    ]
    if not arms:
        return []
    best = max(arms, key=lambda rate: rate.per_s)
    roofline = rooflines.roofline(measured.result)
    share = ""
    if roofline is not None and any(rate.name == best.name for rate in roofline.achieved):
        achieved = next(rate for rate in roofline.achieved if rate.name == best.name)
        fraction = percent_text(roofline.fraction(achieved))
        share = f", {fraction} of {roofline.highest.name}"
    title = _title(measured)
    return [
        f"{title}: the fastest of {len(arms)} is {best.name} with "
        f"{report_charts.rate_text(best.per_s, best.unit)}{share}."
    ]


def _architecture_charts(results: Sequence[Mapping[str, Any]]) -> list[Chart]:
    charts = []
    for result in results:
        for kind, step in (("train", "Training"), ("infer", "Inference")):
            names = architectures.rates_of_fast_layers(result, kind)
            every = series.rates({name: dict(of) for name, of in names.items()})
            if len(every) == len(architectures.NAMES):
                caption = f"{step} with fast layers"
                charts.append(_bars(caption, list(every.values()), ["ConvLSTM"]))
    return charts


def _machine(found: Sequence[Measured]) -> Section:
    fields: dict[str, dict[str, list[str]]] = {}
    for measured in found:
        for field, value in _flat(measured.result["fingerprint"]):
            fields.setdefault(field, {}).setdefault(value, []).append(measured.name)
    lines = [["", "value"]]
    for field, values in fields.items():
        everywhere = len(values) == 1 and sum(map(len, values.values())) == len(found)
        told = (
            value if everywhere else f"{value} ({', '.join(names)})"
            for value, names in values.items()
        )
        lines.append([field, "; ".join(told)])
    return Section("Machine", tables=[Table("Where and with what it was measured", lines)])


def _flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    fields = []
    for key, inner in value.items():
        if isinstance(inner, dict):
            fields += _flat(inner, f"{prefix}{key} ")
        elif isinstance(inner, list):
            fields.append((prefix + key, ", ".join(map(str, inner)) or "-"))
        else:
            fields.append((prefix + key, "-" if inner in (None, "") else str(inner)))
    return fields


def _title(measured: Measured) -> str:
    title = TITLES.get(measured.result["benchmark"], measured.result["benchmark"])
    return (
        title
        if measured.result["benchmark"] == measured.name
        else (f"{title} ({measured.name})")
    )


def _of_result(measured: Measured, against: Sequence[Measured]) -> Section:
    result = measured.result
    rates = series.rates(result)
    notes = [f"From {measured.name}.json"]
    commit = result["fingerprint"].get("commit")
    notes[0] += "." if commit is None else f", measured at commit {commit}."
    more: Mapping[str, Sequence[Sequence[str]]] = {}
    try:
        lines = tables.table(result)
        more = tables.parts(result)
    except series.ResultError as error:
        notes.append(f"All rates instead of its own table: {error}.")
        lines = tables.rates_table(result)
    shown = [Table(f"Figures of {measured.name}", lines)] if len(lines) > 1 else []
    shown += [Table(_CAPTIONS.get(name, name), part) for name, part in more.items()]
    parts = [
        *_rates(result, rates),
        *_roofline(result),
        *_controls(result),
        *_absent(result),
        *(_comparison(measured, old) for old in against if _same(measured, old)),
    ]
    return Section(_title(measured), notes, shown, parts=parts)


def _rates(result: Mapping[str, Any], rates: Mapping[str, Rate]) -> list[Section]:
    groups: dict[tuple[str, str], list[Rate]] = {}
    for rate in rates.values():
        if not rooflines.is_ceiling(rate):
            group, label = _group(result, rate.name)
            labelled = dataclasses.replace(rate, name=label)
            groups.setdefault((group, rate.unit), []).append(labelled)
    charts = [
        _bars(group.replace("/", ", ") or "All rates", of_group, ["fast"])
        for (group, _), of_group in groups.items()
    ]
    note = "Whiskers reach from the slowest turn to the fastest."
    return [Section("Rates", [note], charts=charts)] if charts else []


def _group(result: Mapping[str, Any], name: str) -> tuple[str, str]:
    """The chart that a rate belongs to, and its label there."""
    group = architectures.at(result, "arms", name, "group")
    if isinstance(group, str):
        return group, name
    before, _, last = name.rpartition("/")
    # "zlib/build" is to be compared with other encodings, not with other work.
    if result["benchmark"] == "storage" and before:
        return last, before
    return before, last


def _bars(caption: str, rates: Sequence[Rate], highlighted: Sequence[str]) -> Chart:
    figure = report_charts.bars(rates, highlighted=highlighted)
    return Chart(caption, report_charts.description(rates), figure)


def _roofline(result: Mapping[str, Any]) -> list[Section]:
    found = rooflines.roofline(result)
    if found is None:
        return []
    told = report_charts.description([*found.ceilings, *found.achieved])
    chart = Chart("Rates below their ceilings", told, report_charts.roofline(found))
    shown = Table("Fractions of ceilings", rooflines.table(found))
    return [Section("Roofline", [found.about], [shown], [chart])]


def _controls(result: Mapping[str, Any]) -> list[Section]:
    lines = controls.table(controls.controls(result))
    if len(lines) == 1:
        return []
    note = "The same arm twice, in turns: what differs from 1 is the measurement's error."
    shown = Table("Controls", lines)
    return [Section("Controls", [note], [shown])]


def _absent(result: Mapping[str, Any]) -> list[Section]:
    absent = result.get("absent")
    if not isinstance(absent, dict) or not absent:
        return []
    lines = [["arm", "why"], *([name, str(why)] for name, why in absent.items())]
    return [Section("Absent", tables=[Table("Arms that were not measured", lines)])]


def _same(measured: Measured, old: Measured) -> bool:
    return bool(measured.result["benchmark"] == old.result["benchmark"])


def _comparison(measured: Measured, old: Measured) -> Section:
    changes = comparison.changes(series.rates(old.result), series.rates(measured.result))
    notes = []
    different = comparison.differences(old.result, measured.result)
    if different:
        notes.append(f"Not from the same conditions: {'; '.join(different)}.")
    if not changes:
        notes.append("Neither result has rates.")
    shown = Table(f"{measured.name} against {old.name}", comparison.table(changes))
    return Section(f"Against {old.name}", notes, [shown] if changes else [])
