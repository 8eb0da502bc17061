"""The named configurations of the dataset, and custom ones from a geometry."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from dotmotion_tfds.spec import ClipSpec, SpecError, either, require_split


@dataclasses.dataclass(frozen=True)
class NamedConfig:
    """A configuration of the dataset: a name, the clips and the size of each split."""

    name: str
    spec: ClipSpec
    description: str
    split_sizes: Mapping[str, int]

    def split_size(self, split: str) -> int:
        """Clips in one pass over `split`."""
        return self.split_sizes[require_split(split)]


_SLUG = re.compile(r"frames(\d+)_(\d+)x(\d+)_dot(\d+)_noise(\d[\d.]*(?:e[+-]?\d+)?)")

CUSTOM_SPLIT_SIZES = {"train": 4000, "test": 1000}

CONFIGS: dict[str, NamedConfig] = {
    config.name: config
    for config in (
        NamedConfig(
            name="standard",
            spec=ClipSpec(),
            description="What the notebook's text says: all dots on screen.",
            split_sizes={"train": 4000, "test": 1000},
        ),
        NamedConfig(
            name="notebook",
            spec=ClipSpec(as_notebook=True),
            description="What the notebook's code does, its three faults included.",
            split_sizes={"train": 80, "test": 80},
        ),
    )
}


def resolve_config(
    config: str | ClipSpec | Mapping[str, Any] | NamedConfig,
) -> NamedConfig:
    """Finds a named configuration or makes one for a custom geometry.

    Args:
      config: the name of a configuration, a `ClipSpec`, a mapping with any of `frames`,
        `height`, `width`, `dot_size` and `noise`, or the same as a JSON object.

    Returns:
      The configuration. A custom one is named after its geometry, and one whose
      geometry is that of a named configuration is that configuration.

    Raises:
      SpecError: if the name is unknown, the JSON is malformed, a key is unknown or a
        value is out of range.
    """
    if isinstance(config, NamedConfig):
        return config
    if isinstance(config, str):
        if config in CONFIGS:
            return CONFIGS[config]
        if not config.lstrip().startswith("{"):
            raise SpecError(
                f"unknown config {config!r}: expected {either(CONFIGS)}, or a JSON "
                """object such as '{"frames": 10, "height": 32, "width": 64}'"""
            )
        config = _parse_json(config)
    if isinstance(config, Mapping):
        config = spec_from_mapping(config)
    if not isinstance(config, ClipSpec):
        raise SpecError(
            f"config has type {type(config).__name__}: expected a name, a JSON object, "
            "a mapping or a ClipSpec"
        )
    for named in CONFIGS.values():
        if named.spec == config:
            return named
    return NamedConfig(
        name=config.slug(),
        spec=config,
        description="Custom geometry.",
        split_sizes=CUSTOM_SPLIT_SIZES,
    )


def config_named(name: str) -> NamedConfig:
    """The configuration of a name, also that of a custom geometry.

    Args:
      name: a key of `CONFIGS`, or what `ClipSpec.slug` gave.

    Raises:
      SpecError: if it is neither.
    """
    if name in CONFIGS:
        return CONFIGS[name]
    match = _SLUG.fullmatch(name)
    if match:
        frames, height, width, dot_size = (int(match[part]) for part in range(1, 5))
        spec = ClipSpec(frames, height, width, dot_size, float(match[5]))
        if spec.slug() == name:
            return resolve_config(spec)
    raise SpecError(
        f"{name!r} is not the name of a config: expected {either(CONFIGS)}, "
        "or one made from a geometry"
    )


def spec_from_mapping(values: Mapping[str, Any]) -> ClipSpec:
    """A `ClipSpec` from a mapping of its geometry; absent keys keep their defaults.

    Raises:
      SpecError: if a key is unknown or a value is out of range.
    """
    known = ("frames", "height", "width", "dot_size", "noise")
    for key in values:
        if key not in known:
            raise SpecError(
                f"unknown key {key!r} in the custom config: expected any of "
                f"{', '.join(known)}"
            )
    return ClipSpec(**values)


def _parse_json(text: str) -> Mapping[str, Any]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SpecError(
            f"config {text[:200]!r} is not valid JSON ({error}): expected an object "
            "such as "
            """'{"frames": 10, "height": 32, "width": 64}'"""
        ) from error
    return parsed
