"""A folder of pages, one a run, that share one plotly.js, and the index that lists them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from urllib.parse import quote

from plotly.offline import get_plotlyjs

from reports.export import write_text
from reports.frame import to_frame
from reports.page import opening
from reports.page.document import document
from reports.runfile import Run

PLOTLY = "plotly.min.js"
COMMIT_DIGITS = 12
# A browser names no origin for a page that is a file, so the scheme says where scripts may be.
SOURCES = " 'self' file:"
INDEX = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
form-action 'none'; base-uri 'none'">
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
    write_text(get_plotlyjs(), folder / PLOTLY)
    shared = f'<script src="{PLOTLY}"></script>'
    listed = []
    for run, name in zip(runs, names(runs), strict=True):
        file = folder / f"{name}.html"
        write_text(document([run], shared, name, SOURCES), file)
        listed.append(_entry(run, file.name))
    index = folder / "index.html"
    css = resources.files("reports.page").joinpath("page.css").read_text("utf-8")
    return write_text(INDEX.substitute(css=css, runs="\n".join(listed)), index)


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
    page = escape(quote(file))
    title = f'<a href="{page}">{escape(opening.title(frame, [run]))}</a>'
    source = f'<p class="quiet">{escape(_source(run))}</p>'
    return f"<section><h2>{title}</h2>{source}{opening.opening(frame, [run], page)}</section>"


def _source(run: Run) -> str:
    """What tells a run from others that found the same: its file, its commit, its host."""
    environment = run.environment
    commit = f"commit {environment.git_commit[:COMMIT_DIGITS]}" if environment.git_commit else ""
    changed = ", changed since" if commit and environment.git_dirty else ""
    return " · ".join(filter(None, (run.path.name, commit + changed, f"host {environment.host}")))
