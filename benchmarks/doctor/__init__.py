"""What holds a `tf.data` pipeline back, and how to make it fast without touching its code.

`examine(make_dataset)` says where the time goes; `tune(dataset)` gives a faster dataset
with equal elements in equal order. Both take any pipeline.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.doctor.diagnosis import Diagnosis, Prescription, Stage, WhatIf
    from benchmarks.doctor.examination import examine
    from benchmarks.doctor.settings_file import apply
    from benchmarks.doctor.tuning import tune

# Imported when they are asked for: the program has to quieten TensorFlow's start before.
_MODULES = {
    "Diagnosis": "diagnosis",
    "Prescription": "diagnosis",
    "Stage": "diagnosis",
    "WhatIf": "diagnosis",
    "apply": "settings_file",
    "examine": "examination",
    "tune": "tuning",
}

__all__ = [
    "Diagnosis",
    "Prescription",
    "Stage",
    "WhatIf",
    "apply",
    "examine",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
