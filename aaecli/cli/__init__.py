"""The command line: names, flags and help. Each command is one module, imported when it is asked for."""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from aaecli import __version__
from aaecli.errors import AaeError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "train": "Train a model from a few labelled images and many unlabelled ones.",
    "label": "Ask for the labels that would help most, and keep them in labels.csv.",
    "eval": "Judge a model on test images it has never seen.",
    "export": "Turn a model into two ONNX files that classify and draw without torch.",
    "classify": "Name what pictures show: files, folders, patterns or stdin.",
    "generate": "Draw images: a grid of styles and classes, one class, a walk through the latent space.",
    "benchmark": "Train over models, presets, numbers of labels and seeds, and sum it up in one table.",
    "plot": "Draw figures of runs: how they learnt and what they learnt.",
    "data": "Look into a data set: image size, images of each class, the split that training makes, checksums.",
    "runs": "List the trainings: their settings, whether they run, stopped or are done, and their accuracy.",
    "doctor": "Look for what is missing or broken: packages, devices, folders, data and the released model.",
}
"""In the order in which a newcomer needs them. A new command is a module of this name plus a line here: the first of
its help, repeated so that ``aaecli --help`` need not import it."""


class LazyGroup(TyperGroup):
    """A group that imports a command's module when the command is looked up.

    ``aaecli classify`` therefore never builds the forty options of ``train``.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """Name the commands in the order of ``COMMANDS``."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import ``aaecli.cli.<name>`` and turn its ``app`` into a command, once."""
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            module = import_module(f"aaecli.cli.{cmd_name}")
            self.commands[cmd_name] = command = typer.main.get_command(module.app)
            command.name = cmd_name
        return self.commands.get(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """List the commands by their first lines alone, which halves the time that ``aaecli --help`` takes."""
        loaded = self.commands
        self.commands = {name: TyperCommand(name, help=summary) for name, summary in COMMANDS.items()}
        try:
            super().format_help(ctx, formatter)
        finally:
            self.commands = loaded

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Load the others only where the name is wrong, so that the nearest one can be suggested."""
        if args and args[0] not in COMMANDS:
            for name in COMMANDS:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="aaecli",
    cls=LazyGroup,
    invoke_without_command=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "[bold]The way through[/bold], in any empty folder:\n\n"
        "  aaecli train --labels 1000\n\n"
        "  aaecli eval model.pt\n\n"
        "  aaecli export --onnx\n\n"
        "  aaecli classify digit.png\n\n"
        "  aaecli generate --out digits.png\n\n"
        "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted."
    ),
)


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"aaecli {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error. May stand after the command too.")
    ] = False,
) -> None:
    """Learn to read small images from very few labels, and deploy what was learnt as two ONNX files."""
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code.

    Args:
        argv: The words after the program's name; those of the process where None.

    Raises:
        SystemExit: Always. 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    options = words[: words.index("--")] if "--" in words else words
    debug = "--debug" in options
    if debug:
        words.remove("--debug")
    try:
        _run(words)
    except AaeError as error:
        if debug:
            raise
        from aaecli.console import report

        report(error)
        sys.exit(1)


def _run(words: list[str]) -> None:
    try:
        try:
            # typer itself turns wrong usage into 2, Ctrl-C into 130 and a reader that went away into 1.
            app(words, prog_name="aaecli")
        finally:
            # What is buffered is written here, where a failure can still be told of.
            sys.stdout.flush()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EPIPE) or error.filename is not None:
            raise
        # Python writes the rest once more as it ends; that must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno == errno.EPIPE:  # a reader that went away before the last lines, which is its own affair
            sys.exit(1)
        raise AaeError(
            f"Cannot write the results to stdout: {error.strerror}.", "Make room on the disk that they are sent to."
        ) from error
