"""A folder of pages, one a run, that share one plotly.js, and the index that lists them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from urllib.parse import quote

from plotly.offline import get_plotlyjs

from reports.frame import to_frame
from reports.page import opening
from reports.page.document import document
from reports.runfile import Run

PLOTLY = "plotly.min.js"
# A browser names no origin for a page that is a file, so the scheme says where scripts may be.
SOURCES = " 'self' file:"
INDEX = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Runs</title>
<style>$css</style>
</head>
<body>
<h1>Runs</h1>
$runs
</body>
</html>
""")


def write_folder(runs: Sequence[Run], folder: Path) -> Path:
    """Write a page for each run into a folder, and return the path of its index.

    Args:
        runs: at least one.
        folder: made if it is not there; files of the same names in it are replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PLOTLY).write_text(get_plotlyjs(), encoding="utf-8")
    shared = f'<script src="{PLOTLY}"></script>'
    listed = []
    for run, name in zip(runs, names(runs), strict=True):
        file = folder / f"{name}.html"
        file.write_text(document([run], shared, name, SOURCES), encoding="utf-8")
        listed.append(_entry(run, file.name))
    index = folder / "index.html"
    css = resources.files("reports.page").joinpath("page.css").read_text("utf-8")
    index.write_text(INDEX.substitute(css=css, runs="\n".join(listed)), encoding="utf-8")
    return index


def names(runs: Sequence[Run]) -> list[str]:
    """A name for the page of each run: its file's stem, with a number where it is taken."""
    taken = {"index"}
    found = []
    for run in runs:
        name, number = run.path.stem, 2
        while name.casefold() in taken:
            name, number = f"{run.path.stem}-{number}", number + 1
        taken.add(name.casefold())
        found.append(name)
    return found


def _entry(run: Run, file: str) -> str:
    frame = to_frame([run])
    title = f'<a href="{escape(quote(file))}">{escape(opening.title(frame, [run]))}</a>'
    return (
        f"<section><h2>{title}</h2>{opening.opening(frame, [run], escape(quote(file)))}</section>"
    )
