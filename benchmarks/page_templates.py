"""Templates of the pages that are shown in a browser."""

from __future__ import annotations

import pathlib

import jinja2

_HERE = pathlib.Path(__file__).parent


def environment(*folders: pathlib.Path) -> jinja2.Environment:
    """Where templates are looked for: all they show is escaped, and no name can be missing.

    Args:
      folders: looked through before that of the style that pages share.
    """
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, _HERE]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
