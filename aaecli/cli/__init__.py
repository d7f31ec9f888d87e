"""The command line: names, flags and help. Each command is one module, imported when it is asked for."""

from __future__ import annotations

import atexit
import gc
import sys
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from aaecli import __version__
from aaecli.cli.import_failures import import_failure
from aaecli.cli.interrupts import interruptible
from aaecli.cli.narrow_help import make_readable, write_fitting
from aaecli.errors import AaeError
from aaecli.models.threads import settle_waiting
from aaecli.terminal import streams
from aaecli.text import for_lines, for_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_UsageError: Any = typer.BadParameter.__mro__[1]
"""The class of every wrong usage, which typer keeps to itself."""
_LONGEST_USAGE = 1000

COMMANDS = {
    "train": "Train a model from a few labelled images and many unlabelled ones.",
    "label": "Ask for the labels that would help most, and save them in labels.csv.",
    "eval": "Evaluate a model on test images that it has never seen.",
    "export": "Export a model as two ONNX files that classify and generate without torch.",
    "classify": "Classify pictures: files, folders, patterns or stdin.",
    "embed": "Write what a model finds in pictures: probabilities, style, novelty score, and features of a checkpoint.",
    "bulk": "Classify millions of pictures into parquet files: folders, tar and parquet files, on one machine or many.",
    "generate": "Generate images: a grid of styles and classes, one class, a walk through the latent space.",
    "serve": "Answer over HTTP: a page to draw on, and an interface for programs.",
    "benchmark": "Train over models, presets, settings files, numbers of labels and seeds; summarise in one table.",
    "plot": "Plot figures of runs: how they trained and what they learnt.",
    "data": "Describe a data set: image size, images of each class, the split for training, checksums.",
    "runs": "List the runs: their settings, whether they are running, stopped or done, and their accuracy.",
    "doctor": "Find what is missing or broken: packages, devices, folders, data and the released model.",
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
            make_readable(command)
        return self.commands.get(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """List the commands by their first lines alone, which halves the time that ``aaecli --help`` takes."""
        loaded = self.commands
        self.commands = {name: TyperCommand(name, help=summary) for name, summary in COMMANDS.items()}
        try:
            write_fitting(self, super().format_help, ctx, formatter)
        finally:
            self.commands = loaded

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Read the words before the command, ``--help`` and ``--version`` among them."""
        with _reading():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with _reading():
            return super().invoke(ctx)

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
        "  aaecli data export --index 0 --out digit.png\n\n"
        "  aaecli classify digit.png\n\n"
        "  aaecli generate --out digits.png\n\n"
        "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted."
    ),
)


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"aaecli {__version__}\n")
        raise typer.Exit


def _load_plugins(files: list[Path] | None) -> None:
    if files:
        from aaecli.plugins import load_file

        for path in files:
            load_file(path)


@app.callback()
def root(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error. May stand after the command too.")
    ] = False,
    # Eager, so that the options of a command can offer what it registers.
    plugin: Annotated[
        list[Path] | None,
        typer.Option(
            "--plugin",
            metavar="FILE.py",
            callback=_load_plugins,
            is_eager=True,
            help="Load your own encoders, loss terms and so on from a file. Repeatable; AAECLI_PLUGINS names more.",
        ),
    ] = None,
) -> None:
    """Train a classifier of small images from very few labels, and deploy it as two ONNX files."""
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


class _ReaderGone(Exception):  # noqa: N818  no error: it had enough
    """Whoever read the results has closed the pipe."""


@contextmanager
def _reading() -> Iterator[None]:
    """Keep from typer and rich what they would end the program with 1 for; show no control characters of the user's."""
    try:
        yield
    except BrokenPipeError as error:
        raise _ReaderGone from error
    except SystemExit as ended:
        # rich ends the program itself where the help is no longer read.
        if isinstance(ended.__context__, BrokenPipeError):
            raise _ReaderGone from ended
        raise
    except _UsageError as error:
        error.message = for_terminal(error.message, _LONGEST_USAGE)
        raise


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code.

    A reader that takes the first lines and goes away, as ``head`` does, had what it wanted: that is 0.

    Args:
        argv: The words after the program's name; those of the process where None.

    Raises:
        SystemExit: Always. 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """
    streams.prepare()
    settle_waiting()
    # At its end Python looks for cycles among all objects; of the 300,000 that torch makes, for 1.4 s of a CPU.
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["help"]:
        # As git and pip have it.
        words = [*words[1:], "--help"]
    options = words[: words.index("--")] if "--" in words else words
    debug = "--debug" in options
    if debug:
        words.remove("--debug")
    with interruptible():
        try:
            _run(words)
        except AaeError as error:
            _tell(error, debug=debug)
            sys.exit(1)


def _tell(error: AaeError, *, debug: bool) -> None:
    from aaecli.terminal.console import report

    if debug:
        import traceback

        sys.stderr.write(for_lines(traceback.format_exc()))
    else:
        report(error)


def _run(words: list[str]) -> None:
    try:
        try:
            # typer itself turns wrong usage into 2 and Ctrl-C into 130.
            app(words, prog_name="aaecli")
        finally:
            # What is buffered is written here, where a failure can still be told of.
            sys.stdout.flush()
    except (_ReaderGone, BrokenPipeError) as error:
        streams.silence_stdout()
        before = error.__context__
        sys.exit(before.code if isinstance(before, SystemExit) and type(error) is BrokenPipeError else 0)
    except OSError as error:
        reported = streams.failure(error) or import_failure(error, words)
        if reported is None:
            raise
        streams.silence_stdout()
        raise reported from error
    except Exception as error:
        # Whatever it is that a broken package fails with; all else is a fault of this program.
        reported = import_failure(error, words)
        if reported is None:
            raise
        raise reported from error
