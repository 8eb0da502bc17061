"""The named configurations of the dataset, and custom ones from a geometry."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from dotmotion_tfds.spec import ClipSpec, SpecError, either, require_split, spec_of_slug

# How a stored clip holds its frames; `encodings` says what each is.
ENCODINGS = ("zlib", "raw", "png", "trajectories")

# The seed of the stored clips, and the default seed of the streamed ones.
STORED_SEED = 0
CUSTOM_SPLIT_SIZES = {"train": 4000, "test": 1000}


@dataclasses.dataclass(frozen=True)
class NamedConfig:
    """A configuration of the dataset.

    Attributes:
      name: its name, also that of its directory.
      spec: what the clips look like.
      description: one sentence for people.
      split_sizes: clips in one pass over each split.
      encoding: how stored clips hold their frames, one of `ENCODINGS`; what is streamed
        does not depend on it.

    Raises:
      SpecError: on construction, when the encoding is unknown or does not suit the spec.
    """

    name: str
    spec: ClipSpec
    description: str
    split_sizes: Mapping[str, int]
    encoding: str = "zlib"

    def __post_init__(self) -> None:
        if self.encoding not in ENCODINGS:
            raise SpecError(
                f"unknown encoding {self.encoding!r}: expected {either(ENCODINGS)}"
            )
        if self.encoding == "trajectories" and not self.spec.is_drawn_from_centers:
            raise SpecError(
                f"encoding='trajectories' stores centres only, and the frames of "
                f"{self.name!r} hold more than those tell (colours, distractors, gaps or "
                "sensor noise): use another encoding"
            )

    def split_size(self, split: str) -> int:
        """Clips in one pass over `split`."""
        return self.split_sizes[require_split(split)]


CONFIGS: dict[str, NamedConfig] = {
    config.name: config
    for config in (
        NamedConfig(
            name="standard",
            spec=ClipSpec(),
            description="What the notebook's text says: its three faults mended.",
            split_sizes={"train": 4000, "test": 1000},
        ),
        NamedConfig(
            name="notebook",
            spec=ClipSpec(as_notebook=True),
            description="What the notebook's code does, its three faults included.",
            split_sizes={"train": 80, "test": 80},
        ),
        NamedConfig(
            name="trajectories",
            spec=ClipSpec(),
            description="The clips of `standard` as centres only, rendered when read.",
            split_sizes={"train": 4000, "test": 1000},
            encoding="trajectories",
        ),
        NamedConfig(
            name="large",
            spec=ClipSpec(
                frames=64, height=224, width=224, dot_size=16, noise=4.0, channels=3
            ),
            description="64 frames of 224 x 224 pixels in colour.",
            split_sizes={"train": 400, "test": 100},
        ),
        NamedConfig(
            name="hard",
            spec=ClipSpec(
                contrast=160,
                sensor_noise=24.0,
                distractors=3,
                occluded_frames=4,
                varying_speed=True,
            ),
            description="A dot in sensor noise, among distractors, with a gap, at varying "
            "speed.",
            split_sizes={"train": 2000, "test": 500},
            # Noise does not compress: zlib saves a sixth.
            encoding="raw",
        ),
    )
}


# What a flag for a configuration says of itself.
CONFIG_HELP = f"the clips: {', '.join(CONFIGS)}, or a JSON object"


def resolve_config(
    config: str | ClipSpec | Mapping[str, Any] | NamedConfig,
) -> NamedConfig:
    """Finds a named configuration or makes one for a custom geometry.

    Args:
      config: the name of a configuration, that name and an encoding ("standard_png"), a
        `ClipSpec`, a mapping with any of the attributes of `ClipSpec` (but not
        `as_notebook`) and `encoding`, or the same as a JSON object.

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
        if not config.lstrip().startswith("{"):
            return config_named(config)
        config = _parse_json(config)
    encoding = None
    if isinstance(config, Mapping):
        values = dict(config)
        encoding = values.pop("encoding", None)
        config = spec_from_mapping(values)
    if not isinstance(config, ClipSpec):
        raise SpecError(
            f"config has type {type(config).__name__}: expected a name, a JSON object, "
            "a mapping or a ClipSpec"
        )
    resolved = _of_spec(config)
    return resolved if encoding is None else with_encoding(resolved, encoding)


def config_named(name: str) -> NamedConfig:
    """The configuration of a name.

    Args:
      name: a key of `CONFIGS` or what `ClipSpec.slug` gave, each with or without "_" and
        an encoding.

    Raises:
      SpecError: if it is neither.
    """
    if name in CONFIGS:
        return CONFIGS[name]
    base, _, encoding = name.rpartition("_")
    stacked = base not in CONFIGS and base.rpartition("_")[2] in ENCODINGS
    if encoding in ENCODINGS and not stacked:
        return with_encoding(config_named(base), encoding)
    spec = spec_of_slug(name)
    if spec is not None:
        return _of_spec(spec)
    raise SpecError(
        f"unknown config {name!r}: expected {either(CONFIGS)}, one of these with an "
        "encoding ('standard_png'), or a JSON object such as "
        """'{"frames": 10, "height": 32, "width": 64}'"""
    )


def with_encoding(config: NamedConfig, encoding: str) -> NamedConfig:
    """The same clips, stored in another way.

    Raises:
      SpecError: if the encoding is unknown or does not suit the clips.
    """
    if encoding == config.encoding:
        return config
    found = dataclasses.replace(
        config,
        name=f"{config.name}_{encoding}",
        description=f"{config.description} Stored as {encoding}.",
        encoding=encoding,
    )
    for named in CONFIGS.values():
        if (
            dataclasses.replace(found, name=named.name, description=named.description)
            == named
        ):
            return named
    return found


def spec_from_mapping(values: Mapping[str, Any]) -> ClipSpec:
    """A `ClipSpec` from a mapping of its attributes; absent keys keep their defaults.

    Raises:
      SpecError: if a key is unknown or a value is out of range.
    """
    known = [
        field.name
        for field in dataclasses.fields(ClipSpec)
        # The faults are those of one notebook: they are had by its config's name.
        if field.name != "as_notebook"
    ]
    for key in values:
        if key not in known:
            raise SpecError(
                f"unknown key {key!r} in the custom config: expected any of "
                f"{', '.join([*known, 'encoding'])}"
            )
    return ClipSpec(**values)


def _of_spec(spec: ClipSpec) -> NamedConfig:
    for named in CONFIGS.values():
        if named.spec == spec:
            return named
    return NamedConfig(
        name=spec.slug(),
        spec=spec,
        description="Custom geometry.",
        split_sizes=CUSTOM_SPLIT_SIZES,
    )


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
