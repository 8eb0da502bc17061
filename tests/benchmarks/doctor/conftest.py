"""What tests of the doctor need that measure pipelines as they really run."""

from __future__ import annotations

import pathlib

import pytest

_HERE = pathlib.Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets a test that fails try again, and the summary tells which ones did.

    The tests of the other worker start programs and browsers, which can take both
    processors for seconds. What is wrong fails at every try.
    """
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=3))
