"""Fitted growth: a thin line in its 95% band, with the exponent written at its end."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from reports import settings, units
from reports.charts import traces
from reports.charts.layout import wrapped
from reports.charts.series import Series
from reports.models.curves import BEST, Chunk, Curve, Quantity, curves
from reports.models.growth import Growth, Unfit, growth
from reports.palette import faded

POINTS = 16
"""Of a line: enough for a smooth one, and few enough for hundreds of them on a page."""
BAND, LINE = 0.16, 0.6
"""Opacity of a band, and of the line in it."""
WORD_FONT_PX = 15
WORDS_PX = 36
"""What the words at the ends of lines need to the right of the axes: as much on any screen."""
LEAST_GAP = 0.06
"""How far two words at the ends of lines lie apart at least, as a share of the axis."""
MOST_WORDS = 8
"""Curves that have room for words at their ends. Of more, those of each setting have room of their
own: a page seldom shows many settings at once."""
NEGLIGIBLE = 0.001
"""Relative; below it a figure would be a string of zeros."""
MOST_ALONE = 120
"""Curves of a chunk size alone that are fitted: more take longer than anybody would wait for fits
that are seen only one chunk size at a time."""


@dataclass(frozen=True)
class Fit:
    """What the growth of one curve is found to be."""

    of: Series
    curve: Curve
    found: Growth | Unfit

    @property
    def alone(self) -> bool:
        """It is about one chunk size of several."""
        return isinstance(self.curve.chunk, int)


def fits(frame: pd.DataFrame, found: Iterable[Series], quantity: Quantity) -> list[list[Fit]]:
    """The growth of every curve, in groups of those that are seen at the same time.

    The curves through the fastest chunk sizes, and for each chunk size those of it alone, where
    there are several, and no more than `MOST_ALONE` of them in all. A group has all settings.

    Args:
        found: the frame's curves, `series.series(frame)`.
    """
    by_name = {(of.setting, of.label): of for of in found}
    groups: dict[Chunk, list[Fit]] = {}
    for number, curve in _curves(frame, quantity):
        chunk: Chunk = curve.chunk if isinstance(curve.chunk, int) else BEST
        fit = Fit(by_name[number, curve.label], curve, growth(curve))
        groups.setdefault(chunk, []).append(fit)
    return list(groups.values())


def _curves(frame: pd.DataFrame, quantity: Quantity) -> Iterator[tuple[int, Curve]]:
    """The curves to fit, each with the number of its setting."""
    several = frame.groupby([*settings.FIELDS, "label"])["chunk_size"].transform("nunique") > 1
    kinds = [*settings.FIELDS, "label", "chunk_size"]
    has_alone = frame[several].groupby(kinds).ngroups <= MOST_ALONE
    for number, setting in enumerate(settings.split(frame)):
        yield from ((number, curve) for curve in curves(setting.frame, quantity, BEST))
        alone = setting.frame[several[setting.frame.index]]
        if has_alone and len(alone):
            yield from ((number, curve) for curve in curves(alone, quantity, "each"))


def fit_traces(groups: Iterable[Sequence[Fit]], axis: dict[str, Any]) -> list[go.Scatter]:
    """Lines with bands, and words at their ends: the exponent, or that there is no fit.

    Args:
        axis: the y axis they are drawn on; logarithmic.
    """
    drawn: list[go.Scatter] = []
    for group in groups:
        for fit in group:
            if isinstance(fit.found, Growth):
                drawn += _line_in_band(fit, fit.found)
        by_setting = groupby(group, key=lambda fit: fit.of.setting)
        seen = [group] if len(group) <= MOST_WORDS else [list(some) for _, some in by_setting]
        for together in seen:
            if len(together) <= MOST_WORDS:
                drawn += _words(together, axis)
    return drawn


def _line_in_band(fit: Fit, found: Growth) -> list[go.Scatter]:
    lengths = np.geomspace(found.since, found.until, POINTS)
    low, high = found.band(lengths)
    colour = fit.of.style.colour
    band = go.Scatter(
        x=_short([*lengths, *lengths[::-1]]),
        y=_short([*low, *high[::-1]]),
        fill="toself",
        fillcolor=faded(colour, BAND),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        **_common(fit),
    )
    line = go.Scatter(
        x=_short(lengths),
        y=_short(found.at(lengths)),
        mode="lines",
        # Fainter than the curve, whose dashes it would fill.
        line={"color": faded(colour, LINE), "width": 1},
        hovertext=[_sentence(fit, found)] * POINTS,
        hovertemplate=traces.HOVER,
        **_common(fit),
    )
    return [band, line]


def _words(group: Sequence[Fit], axis: dict[str, Any]) -> list[go.Scatter]:
    """The exponents of a group of curves beside their last points, none upon another."""
    bottom, top = axis["range"]
    ends = [math.log10(fit.curve.value[-1]) for fit in group]
    heights = apart(ends, LEAST_GAP * (top - bottom), bottom, top)
    return [
        go.Scatter(
            x=[fit.curve.seq_len[-1]],
            y=[10**height],
            mode="text",
            # They stand in the margin, `WORDS_PX` of it.
            cliponaxis=False,
            text=[_word(fit.found)],
            textposition="middle right",
            textfont={"color": fit.of.style.colour, "size": WORD_FONT_PX},
            hovertext=[_sentence(fit, fit.found)],
            hovertemplate=traces.HOVER,
            **_common(fit),
        )
        for fit, height in zip(group, heights, strict=True)
    ]


def apart(wanted: Sequence[float], gap: float, bottom: float, top: float) -> list[float]:
    """Heights near the wanted ones, in their order, a gap apart and between bottom and top.

    Where there is no room for all gaps they are as wide as there is room for.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    gap = min(gap, (top - bottom) / max(len(wanted), 1))
    heights = list(wanted)
    floor = bottom + gap / 2
    for i in order:
        heights[i] = max(wanted[i], floor)
        floor = heights[i] + gap
    ceiling = top - gap / 2
    for i in reversed(order):
        heights[i] = min(heights[i], ceiling)
        ceiling = heights[i] - gap
    return heights


def _common(fit: Fit) -> dict[str, Any]:
    """What all traces of a fit share."""
    return {
        "name": fit.of.name,
        "legendgroup": fit.of.group,
        "showlegend": False,
        "meta": traces.made(fit.curve.rows, alone=fit.alone),
        # All chunk sizes at once would be a thicket.
        "visible": not fit.alone,
    }


def _word(found: Growth | Unfit) -> str:
    word = f"T<sup>{found.exponent:.2f}</sup>" if isinstance(found, Growth) else "no fit"
    return f"\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}{word}"


def _sentence(fit: Fit, found: Growth | Unfit) -> str:
    """What a fit says when it is pointed at."""
    words: dict[Chunk, str] = {BEST: ", fastest chunk sizes", None: ""}
    name = f"<b>{fit.of.name}</b>{words.get(fit.curve.chunk, f', chunk {fit.curve.chunk}')}"
    if isinstance(found, Unfit):
        return f"{name}<br>{wrapped(f'no growth is drawn: {found.reason}')}"
    since, until = (units.tokens(T) for T in (found.since, found.until))
    off = "less than 0.1%" if found.error < NEGLIGIBLE else units.percent(found.error)
    return (
        f"{name}<br>{fit.curve.quantity} grows as T<sup>{found.exponent:.2f}</sup> "
        f"({found.low:.2f}–{found.high:.2f}) from {since} to {until},<br>"
        f"{_fixed(fit.curve, found)}; the fit is {off} off (root mean square)"
    )


def _fixed(curve: Curve, found: Growth) -> str:
    """The fixed cost in words, if it is a part of any value that could be seen."""
    if found.fixed < NEGLIGIBLE * curve.value.min():
        return "with no fixed cost to be seen"
    is_time = curve.quantity == "latency"
    words = units.duration(found.fixed) if is_time else units.size(round(found.fixed))
    return f"above a fixed {words}"


def _short(values: Iterable[float]) -> list[float]:
    """Digits that a screen can show: these are many numbers on a page."""
    return [float(f"{value:.5g}") for value in values]
