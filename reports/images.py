"""The charts as PNG and SVG files, drawn by a Chrome or Chromium that is on the machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go

from reports import charts
from reports.export import replacing

WIDTH_PX, HEIGHT_PX = 1000, 600
DENSITY = 2
"""Pixels of a PNG for each of these: sharp in print and on a dense screen."""
NEEDED = (
    "PNG and SVG are drawn by Chrome or Chromium, and none that works was found: on Debian `apt "
    "install chromium`, elsewhere install Chrome or run `plotly_get_chrome`; BROWSER_PATH names "
    "one in an unusual place"
)
NEEDED_PACKAGE = "PNG and SVG need the package kaleido, and it is not there: pip install kaleido"


class NoImages(RuntimeError):
    """Images cannot be drawn here; the message says what is needed."""


def write_images(frame: pd.DataFrame, folder: str | os.PathLike[str]) -> list[Path]:
    """Write every chart of a frame of `reports.load` as PNG and as SVG.

    Args:
        folder: where to write; it is made. Files of these names in it are replaced.

    Returns:
        The files, `scaling.png`, `scaling.svg` and so on.

    Raises:
        NoImages: there is no browser that could draw them, or no kaleido to drive it.
        OSError: a file cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)  # before the browser draws for nothing
    written = []
    for name, content in _drawn(dict(_figures(frame))).items():
        with replacing(folder / name) as file:
            file.write_bytes(content)
        written.append(folder / name)
    return written


def _figures(frame: pd.DataFrame) -> Iterator[tuple[str, go.Figure]]:
    for name, draw in charts.FIGURES.items():
        yield name, draw(frame)
    yield from charts.chunk_figures(frame).items()


def _drawn(figures: dict[str, go.Figure]) -> dict[str, bytes]:
    """What is to be in each file; one browser draws them all."""
    try:
        from kaleido import errors  # type: ignore[import-untyped]
    except ImportError as error:
        raise NoImages(NEEDED_PACKAGE) from error
    broken = (errors.ChromeNotFoundError, errors.BrowserFailedError, errors.BrowserClosedError)
    try:
        # In a thread of its own: where this is called an event loop may run, as in a notebook.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, _draw(figures)).result()
    except (*broken, TimeoutError) as error:
        raise NoImages(NEEDED) from error


async def _draw(figures: dict[str, go.Figure]) -> dict[str, bytes]:
    from kaleido import Kaleido

    drawn = {}
    # Formulae need MathJax, which would be fetched from the network; there are none.
    async with Kaleido(n=1, mathjax=False) as browser:
        for name, figure in figures.items():
            for form, scale in (("png", DENSITY), ("svg", 1)):
                options = {"format": form, "scale": scale, "width": WIDTH_PX, "height": HEIGHT_PX}
                drawn[f"{name}.{form}"] = await browser.calc_fig(figure, options)
    return drawn
