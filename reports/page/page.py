"""Writes runs as HTML that works offline: one page, or a folder of pages."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from plotly.offline import get_plotlyjs

from reports.export import write_text
from reports.page.document import document
from reports.page.folder import write_folder
from reports.page.payload import packed
from reports.runfile import Run


def write_page(runs: Sequence[Run], path: str | os.PathLike[str], *, split: bool = False) -> Path:
    """Write what runs say as HTML that works offline, and return the path of the page.

    Args:
        runs: what `reports.read_runs` returned.
        path: where to write; an existing file is replaced, folders are made.
        split: `path` is a folder: a page for each run, which share one plotly.js, and an
            `index.html` that lists them. The path returned is the index's.

    Raises:
        ValueError: no runs were given.
        OSError: it cannot be written; what was there before is left as it was.
    """
    if not runs:
        raise ValueError("a page needs at least one run; got none")
    path = Path(path)
    if split:
        return write_folder(runs, path)
    plotly = f'<script type="text/plain" id="plotly">{packed(get_plotlyjs())}</script>'
    return write_text(document(runs, plotly, path.stem), path)
