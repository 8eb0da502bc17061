"""What holds a `tf.data` pipeline back, and how to make it fast without touching its code.

`examine(make_dataset)` says where the time goes; `tune(dataset)` gives a faster dataset
with equal elements in equal order. Both take any pipeline.
"""

from benchmarks.doctor.diagnosis import Diagnosis, Prescription, Stage, WhatIf
from benchmarks.doctor.examination import examine
from benchmarks.doctor.settings_file import apply
from benchmarks.doctor.tuning import tune

__all__ = [
    "Diagnosis",
    "Prescription",
    "Stage",
    "WhatIf",
    "apply",
    "examine",
    "tune",
]
