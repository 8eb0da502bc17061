import numpy as np
import pytest

from trainers import processor


@pytest.mark.parametrize(
    ("extensions", "expected"),
    [
        ({"baseline": ["SSE2"], "found": ["AVX2", "AVX512F"], "not found": []}, 16),
        ({"baseline": ["X86_V2"], "found": ["X86_V3", "X86_V4"]}, 16),
        ({"baseline": ["X86_V2"], "found": ["X86_V3"], "not found": ["X86_V4"]}, 8),
        ({"baseline": ["AVX2"]}, 8),
        ({"baseline": ["NEON", "ASIMD"], "found": ["ASIMDHP"]}, 4),
        ({"baseline": [], "found": []}, 4),
    ],
)
def test_lanes_by_what_numpy_found(extensions, expected, monkeypatch):
    monkeypatch.setattr(np, "show_config", lambda mode: {"SIMD Extensions": extensions})
    processor.float32_lanes.cache_clear()
    try:
        assert processor.float32_lanes() == expected
    finally:
        processor.float32_lanes.cache_clear()


def test_this_machine_has_vector_registers_and_no_gpu():
    assert processor.float32_lanes() in (4, 8, 16)
    assert not processor.has_gpu()
