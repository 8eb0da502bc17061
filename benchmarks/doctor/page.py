"""Shows a diagnosis as one HTML page that needs nothing else, not even a network."""

from __future__ import annotations

import pathlib
from typing import Any

import markupsafe

from benchmarks import page_templates
from benchmarks.doctor import wording
from benchmarks.doctor.diagnosis import Diagnosis, Prescription
from benchmarks.doctor.flow import flow_svg
from benchmarks.doctor.printable import printable

_HERE = pathlib.Path(__file__).parent
_TEMPLATE = "page.html"


def page(diagnosis: Diagnosis, title: str) -> str:
    """The whole document, in the style of the report of benchmarks.

    Nothing can run in it: it has no scripts, and its policy forbids them and all requests.

    Args:
      diagnosis: what was found; all of its text is escaped.
      title: its title and first heading.
    """
    environment = page_templates.environment(_HERE)
    found = printable(diagnosis)
    what_if = found.what_if
    return environment.get_template(_TEMPLATE).render(
        title=printable(title),
        diagnosis=found,
        has_failed=wording.has_failed(found),
        mood=_mood(found),
        bottleneck=wording.bottleneck_text(found),
        facts=wording.facts(found),
        flow=markupsafe.Markup(flow_svg(found)),
        stages=_stages(found),
        prescriptions=[_prescription(each, found) for each in found.prescriptions],
        tune=wording.tune_text(found),
        what_if=what_if and wording.what_if_text(what_if),
        what_if_facts=what_if and wording.what_if_facts(what_if, found.cores),
        machine=wording.machine_facts(found.fingerprint),
    )


def _mood(diagnosis: Diagnosis) -> str:
    """The class of the verdict."""
    if wording.has_failed(diagnosis):
        return "failed"
    return "mends" if diagnosis.prescriptions else "fine"


def _stages(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    bottleneck = wording.bottleneck_stage(diagnosis)
    return [
        {
            "number": stage.number,
            "label": stage.label,
            "mark": wording.mark(diagnosis) if stage is bottleneck else "",
            "percent": round(100 * max(0.0, min(stage.share, 1.0)), 2),
            "operation": wording.other_operation(stage),
            "cells": wording.stage_facts(stage),
        }
        for stage in diagnosis.stages
    ]


def _prescription(prescription: Prescription, diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "kind": prescription.kind,
        "number": prescription.stage,
        "is_known": any(stage.number == prescription.stage for stage in diagnosis.stages),
        "label": wording.label_of(diagnosis, prescription.stage),
        "reason": prescription.reason,
        "edit": prescription.edit,
        "gain": wording.gain_text(prescription),
        "care": wording.care_text(prescription),
    }
