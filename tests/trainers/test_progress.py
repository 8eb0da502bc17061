import io

import numpy as np
from rich.console import Console

from trainers import summary
from trainers.progress import ProgressBar, print_closing_table


def test_without_a_terminal_the_first_and_the_last_step_are_lines():
    output = io.StringIO()
    with ProgressBar(Console(file=output), "training", total=50, done=10) as bar:
        for _ in range(40):
            bar.advance("loss 1.5")
    lines = output.getvalue().splitlines()
    assert [line.split("  ")[0] for line in lines] == ["training 11/50", "training 50/50"]
    assert all("loss 1.5" in line for line in lines)
    assert lines[-1].endswith("0 s left")


def test_on_a_terminal_there_is_a_bar():
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=120)
    with ProgressBar(console, "training", total=2) as bar:
        bar.advance("loss 1.5")
        bar.advance("loss 0.5")
    shown = output.getvalue()
    assert "2/2" in shown
    assert "loss 0.5" in shown
    assert "━" in shown


def test_a_figure_that_was_not_measured_is_said_to_be_so():
    output = io.StringIO()
    result = {
        **dict.fromkeys(summary.TIMING_FIGURES),
        **summary.evaluation(2.0, np.diag([1, 1, 0, 0])),
        **dict.fromkeys(("model", "config", "data", "strategy", "workdir"), "x"),
        **dict.fromkeys(("params", "num_replicas", "steps", "batch_size"), 1234),
        "weights_sha256": "0" * 64,
    }
    print_closing_table(Console(file=output, width=100), result)
    shown = output.getvalue()
    assert shown.count("not measured") == len(summary.TIMING_FIGURES)
    assert shown.count("no clips") == 2
    assert shown.splitlines()[-1] == "test accuracy 1.0000 on 2 fresh clips of config x"
