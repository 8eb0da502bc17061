"""What a person sees while a run goes on, and when it ends."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

# Without a terminal a bar can't move: a line at least this often instead.
_SECONDS_BETWEEN_LINES = 10.0


class ProgressBar:
    """A bar with figures on a terminal, and now and then a line elsewhere."""

    def __init__(self, console: Console, title: str, *, total: int, done: int = 0):
        """Prepares the bar; it shows on entering the context.

        Args:
          console: where to draw.
          title: what advances.
          total: steps in all.
          done: steps done before.
        """
        self._console = console
        self._title = title
        self._total = total
        self._done = done
        self._started = self._printed = time.monotonic()
        self._first = done
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TextColumn("{task.fields[figures]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=console,
            )
            self._task = self._bar.add_task(title, total=total, completed=done, figures="")

    def __enter__(self) -> ProgressBar:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()

    def advance(self, figures: str) -> None:
        """Counts one step and shows its figures."""
        self._done += 1
        if self._bar:
            self._bar.update(self._task, advance=1, figures=figures)
            return
        now = time.monotonic()
        first_or_last = self._done in (self._first + 1, self._total)
        if first_or_last or now - self._printed >= _SECONDS_BETWEEN_LINES:
            self._printed = now
            mean_s = (now - self._started) / (self._done - self._first)
            left_s = mean_s * (self._total - self._done)
            self._console.print(
                f"{self._title} {self._done}/{self._total}  {figures}  {left_s:.0f} s left",
                highlight=False,
            )


def print_closing_table(console: Console, summary: dict[str, Any]) -> None:
    """Prints the figures of a run and, last, its accuracy on fresh clips.

    Args:
      console: where to print.
      summary: as `trainers.loop.run` gives it.
    """
    table = Table(show_header=False, title=Text(f"{summary['model']}, {summary['config']}"))
    table.add_column(style="bold")
    table.add_column()
    for name, value in (
        ("parameters", f"{summary['params']:,}"),
        ("strategy", f"{summary['strategy']}, {summary['num_replicas']} replica(s)"),
        ("data", summary["data"]),
        ("steps", f"{summary['steps']:,} of {summary['batch_size']} clips"),
        ("step time", _figure(summary["step_ms_median"], "{:.0f} ms (median)")),
        ("throughput", _figure(summary["examples_per_s"], "{:.1f} clips/s")),
        (
            "waiting for input",
            _figure(summary["input_wait_fraction"], "{:.1%} of the time"),
        ),
        ("time to the first step", _figure(summary["first_step_s"], "{:.1f} s")),
        ("training time", _figure(summary["train_s"], "{:.1f} s")),
        ("test loss", f"{summary['test_loss']:.4f}"),
        ("weights SHA-256", f"{summary['weights_sha256'][:16]}..."),
        ("results in", summary["workdir"]),
    ):
        table.add_row(name, Text(str(value)))
    for name, accuracy in summary["test_accuracy_by_class"].items():
        table.add_row(f"accuracy on {name}", _figure(accuracy, "{:.4f}", "no clips"))
    console.print(table)
    console.print(
        f"test accuracy {summary['test_accuracy']:.4f} on {summary['test_clips']:,} "
        f"fresh clips of config {summary['config']}",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )


def _figure(value: float | None, form: str, otherwise: str = "not measured") -> str:
    return otherwise if value is None else form.format(value)
