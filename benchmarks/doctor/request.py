"""What an examination is asked for, checked once and without TensorFlow."""

from __future__ import annotations

import dataclasses

LEAST_SECONDS, MOST_SECONDS = 5, 3600
_MOST_MS = 1e7
_MOST_REPLICAS = 1_000_000


@dataclasses.dataclass(frozen=True)
class Request:
    """What an examination is asked for.

    Attributes:
      seconds: how long it may take, at least 5.
      step_ms: time in which the consumer deals with an element, if that is known.
      accelerator_step_ms: of one replica, to predict whether the pipeline keeps up.
      replicas: of the prediction.

    Raises:
      ValueError: on construction, if a value is out of range.
    """

    seconds: float = 60.0
    step_ms: float | None = None
    accelerator_step_ms: float | None = None
    replicas: int = 1

    def __post_init__(self) -> None:
        if not LEAST_SECONDS <= self.seconds <= MOST_SECONDS:
            raise ValueError(
                f"seconds={self.seconds:g} is out of range: expected "
                f"{LEAST_SECONDS} to {MOST_SECONDS:,}"
            )
        for name in ("step_ms", "accelerator_step_ms"):
            value = getattr(self, name)
            if value is not None and not 0 < value < _MOST_MS:
                raise ValueError(
                    f"{name}={value:g} is out of range: expected a positive number of "
                    "milliseconds"
                )
        if not 1 <= self.replicas <= _MOST_REPLICAS:
            raise ValueError(f"replicas={self.replicas}: expected 1 to {_MOST_REPLICAS:,}")
