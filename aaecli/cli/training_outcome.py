"""What a training came to: a judgement, where its files are, and what to do next."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from aaecli.checkpoint.provenance import is_remembered
from aaecli.runs.listing import read_object
from aaecli.suggestions import suggest_aaecli, suggest_resuming
from aaecli.terminal import console
from aaecli.text import for_terminal, number_of

if TYPE_CHECKING:
    from rich.text import Text

    from aaecli.cli.displays.training import TrainingDisplay

_TITLE_WIDTH = 15


def render(summary: dict[str, Any], display: TrainingDisplay, data: str | None, *, as_json: bool) -> None:
    """Print the outcome of a training on the images of ``data``, where the user named them.

    Raises:
        typer.Exit: With 128 plus the signal's number, where a signal stopped it.
    """
    if summary["state"] == "stopped":
        run = Path(summary["run"])
        with suppress(OSError):
            console.say(f"Stopped after step {summary['steps']:,} of {summary['num_steps']:,}; all of it is saved.")
            again = suggest_resuming(run, summary.get("processes", 1), *data_words(run, data))
            console.say(f"To continue: {again}")
        raise typer.Exit(exit_code(summary, display))
    if as_json:
        console.print_json(summary)
        return
    _put(_judgement(summary))
    if "rehearsal_accuracy" in summary:
        num_images, name = summary["num_rehearsal_validation"], for_terminal(summary["rehearsal"], 60)
        _put(f"beside it      {summary['rehearsal_accuracy']:.2%} of {num_images:,} validation images of {name}")
    if check := summary.get("pseudo_label_check"):
        _put(f"pseudo-labels  {_checked(check)}")
    minutes, seconds = divmod(round(summary["seconds"]), 60)
    _put(f"time           {minutes} min {seconds} s for {number_of(summary['steps'], 'step')}")
    _put(f"run            {for_terminal(summary['run'], None)}")
    _put("model          model.pt")


def _put(line: str | Text) -> None:
    console.put_fact(line, _TITLE_WIDTH)


def leave_others(summary: dict[str, Any], display: TrainingDisplay, *, is_first: bool) -> None:
    """Leave a process that is not the first of its training: that one says the rest.

    Raises:
        typer.Exit: With the exit code of the training.
    """
    if not is_first:
        raise typer.Exit(exit_code(summary, display))


def exit_code(summary: dict[str, Any], display: TrainingDisplay) -> int:
    """Give the exit code of a training: where a signal stopped it, 128 plus its number.

    The signal may have reached another of its processes alone, which counts as Ctrl-C.
    """
    return 128 + (display.signal_number or signal.SIGINT) if summary["state"] == "stopped" else 0


def say_what_is_next(summary: dict[str, Any], data: str | None, *, quiet: bool) -> None:
    """Suggest the next command; the last line of a training, below whatever else is said when it is done."""
    if not quiet:
        evaluated = "test_accuracy" in summary or "test_reconstruction_error" in summary or summary["num_validation"]
        eval_words = ["eval", "model.pt", *data_words(Path(summary["run"]), data)]
        console.say(f"Next: {suggest_aaecli(*(eval_words if evaluated else ['export', '--onnx']))}")


def data_words(run: Path, data: str | None) -> list[str]:
    """Give ``--data DIR`` for a suggested command, where this machine does not remember the images of a run.

    Args:
        run: The run folder.
        data: The folder that the user named, if any.
    """
    if not data or is_remembered(read_object(run / "environment.json", []).get("run_id")):
        return []
    return ["--data", data]


def _checked(outcome: dict[str, Any]) -> str:
    """Say in one line what was found and what follows."""
    names: dict[str, str] = {"labels_alone": "labels alone", "teacher": "the teacher", "propagation": "propagation"}
    found = ", ".join(f"{text} {outcome[name]:.0%}" for name, text in names.items() if name in outcome)
    trusted = [names[name] for name in ("teacher", "propagation") if outcome[f"trusts_{name}"]]
    follows = f"{' and '.join(trusted)} trusted" if trusted else "only labels are trained on"
    return f"{follows} ({outcome['num_images']} labelled images held out until step {outcome['step']:,}: {found})"


def _judgement(summary: dict[str, Any]) -> Text:
    """Say how good the model is, by the test images or else by the labelled ones that were kept back from it."""
    from rich.text import Text

    of_the_reconstruction = "  (of the reconstruction: mean squared, pixels in [0, 1])"
    if "test_accuracy" in summary:
        low, high = summary["test_accuracy_interval"]
        accuracy = (f"{summary['test_accuracy']:.2%}", "bold")
        return Text.assemble("test accuracy  ", accuracy, f"  (95 % interval {low:.2%} to {high:.2%})")
    if "test_reconstruction_error" in summary:
        error = (f"{summary['test_reconstruction_error']:.4f}", "bold")
        return Text.assemble("test error     ", error, of_the_reconstruction)
    if "validation_reconstruction_error" in summary:
        if summary["validation_reconstruction_error"] is None:
            return Text("error          unknown: no labelled picture was held out")
        error = (f"{summary['validation_reconstruction_error']:.4f}", "bold")
        return Text.assemble("error          ", error, of_the_reconstruction)
    if summary["validation_accuracy"] is None:
        return Text("accuracy       unknown: no labelled picture was held out, and there is no test folder")
    low, high = summary["validation_accuracy_interval"]
    accuracy = summary.get("validation_accuracy_deployed", summary["validation_accuracy"])
    return Text.assemble(
        "accuracy       ",
        (f"{accuracy:.1%}", "bold"),
        f" of {summary['num_validation']} held-out labelled pictures  (95 % interval {low:.1%} to {high:.1%})",
    )
