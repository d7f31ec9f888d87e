"""``aaecli doctor``: what this machine has, what is broken and how to mend it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from aaecli.cli.options.output import AsJson

if TYPE_CHECKING:
    from aaecli.doctor.findings import Finding

app = typer.Typer(add_completion=False)

_LINE = 2000
_INDENT = 8
_MARKS = {"ok": ("ok", "green"), "note": ("note", "yellow"), "broken": ("BROKEN", "bold red")}


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli doctor\n\n"
        "  aaecli doctor --json | jq '.findings[] | select(.state == \"broken\")'\n\n"
        "Exit code 1 where something is broken; each broken part is followed by its remedy."
    )
)
def doctor(
    as_json: AsJson = False,
) -> None:
    """Find what is missing or broken: packages, devices, folders, data and the released model."""
    from aaecli.doctor.examination import examine
    from aaecli.terminal.console import print_json, status

    findings = []
    # Where both streams are one terminal, the lines themselves tell how far it is; a spinner would be drawn into them.
    with status("Examining", quiet=not as_json and _shares_the_terminal()) as tell:
        for finding in examine():
            tell(finding.name)
            findings.append(finding)
            if not as_json:
                _render(finding)
                sys.stdout.flush()
    broken = [finding for finding in findings if finding.state == "broken"]
    if as_json:
        keys = ("name", "state", "detail", "remedy")
        rows = [{key: getattr(finding, key) for key in keys} for finding in findings]
        print_json({"ok": not broken, "findings": rows})
    if broken:
        raise typer.Exit(1)


def _shares_the_terminal() -> bool:
    return sys.stdout.isatty()


def _render(finding: Finding) -> None:
    from rich.text import Text

    from aaecli.terminal.console import put_fact
    from aaecli.text import for_rich

    word, style = _MARKS[finding.state]
    said = Text.assemble(
        (f"{word:<{_INDENT}}", style), (f"{finding.name}: ", "bold"), for_rich(finding.detail, limit=_LINE)
    )
    put_fact(said, _INDENT)
    if finding.remedy:
        put_fact(Text.assemble(" " * _INDENT, "remedy: ", for_rich(finding.remedy, limit=_LINE)), _INDENT)
