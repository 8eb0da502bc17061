"""Pages in a real browser, without a network."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
# Root can't have the sandbox, and containers have little shared memory.
_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]


@dataclasses.dataclass(frozen=True)
class Opened:
    """A page that was opened.

    Attributes:
      page: the page.
      complaints: what it has written to the console, errors included.
      requests: the addresses that it has asked for.
    """

    page: Page
    complaints: list[str]
    requests: list[str]


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A browser; the test is skipped without one, but fails in continuous integration."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        message = f"none of {', '.join(_NAMES)} is installed"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)
        try:
            yield opened
        finally:
            opened.close()


def open_file(
    opened: Browser, path: pathlib.Path, *, width: int, scheme: str = "light"
) -> Opened:
    """Opens a file by its URL in a window of some width, without a network."""
    context = opened.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_load_state("networkidle")
    return Opened(page, complaints, requests)
