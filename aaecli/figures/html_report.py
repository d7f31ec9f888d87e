"""The HTML report: text and images in a single file that needs no network."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aaecli.text import for_html


class Plate(NamedTuple):
    """A figure of the report.

    Attributes:
        name: Its heading.
        caption: What the figure shows.
        png: The image.
    """

    name: str
    caption: str
    png: bytes


_LINE = 1000
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 62rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .15rem 1.5rem .15rem 0; vertical-align: top; }
th { font-weight: normal; color: #555; } td { font-variant-numeric: tabular-nums; }
img { max-width: 100%; height: auto; } figure { margin: 0; } figcaption { color: #555; max-width: 45rem; }
pre { background: #f5f5f5; padding: 1rem; overflow-x: auto; font-size: .85rem; }
"""


def html_report(title: str, summary: Mapping[str, str], plates: Sequence[Plate], settings: str) -> str:
    """Write the page.

    Args:
        title: Heading and title of the page.
        summary: What stands in the table at the top.
        plates: The figures in order.
        settings: The run's settings as TOML.
    """
    rows = "\n".join(f"<tr><th>{for_html(name)}</th><td>{for_html(value)}</td></tr>" for name, value in summary.items())
    figures = "\n".join(_figure(plate) for plate in plates)
    lines = "\n".join(for_html(line, _LINE) for line in settings.splitlines())
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="aaecli">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{for_html(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{for_html(title)}</h1>
<table>
{rows}
</table>
{figures}
<h2>Settings</h2>
<pre>{lines}</pre>
</body>
</html>
"""


def _figure(plate: Plate) -> str:
    data = base64.b64encode(plate.png).decode()
    return (
        f"<h2>{for_html(plate.name.capitalize())}</h2>\n<figure>"
        f'<img alt="{for_html(plate.caption, _LINE)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{for_html(plate.caption, _LINE)}</figcaption></figure>"
    )
