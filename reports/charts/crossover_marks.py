"""Where one curve overtakes another: a diamond on the two with its 95% interval as a bar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import combinations, product

import numpy as np
import plotly.graph_objects as go

from reports.charts import traces
from reports.charts.fits import Fit
from reports.models.crossovers import Crossover, crossover
from reports.models.curves import Curve

MARK_PX = 15


def crossover_marks(groups: Iterable[Sequence[Fit]]) -> list[go.Scatter]:
    """The crossovers of every pair of latency curves that are seen at the same time.

    Args:
        groups: `fits.fits(found, "latency")`.
    """
    groups = list(groups)
    without_chunks = [fit for group in groups for fit in group if fit.curve.chunk is None]
    return [
        mark
        for group in groups
        for one, other in [
            *combinations(group, 2),
            # Seen beside a chunk size alone, too.
            *product((fit for fit in group if fit.alone), without_chunks),
        ]
        if one.of.setting == other.of.setting
        for mark in _marks(one, other)
    ]


def _marks(one: Fit, other: Fit) -> list[go.Scatter]:
    found = crossover(one.curve, other.curve)
    if not isinstance(found, list):
        return []
    by_label = {fit.of.label: fit for fit in (one, other)}
    return [_mark(at, by_label[at.faster], by_label[at.slower]) for at in found]


def _mark(at: Crossover, faster: Fit, slower: Fit) -> go.Scatter:
    colour = faster.of.style.colour
    height = float(np.sqrt(_at(faster.curve, at.seq_len) * _at(slower.curve, at.seq_len)))
    alone = faster.alone or slower.alone
    sentence = escape(str(at), quote=False)
    return go.Scatter(
        x=[at.seq_len],
        y=[height],
        error_x={
            "type": "data",
            "array": [at.high - at.seq_len],
            "arrayminus": [at.seq_len - at.low],
            "color": colour,
            "thickness": 2,
            "width": 5,
        },
        mode="markers",
        # Filled with the one that is faster from here on, ringed with the other.
        marker={
            "symbol": "diamond-tall",
            "size": MARK_PX,
            "color": colour,
            "line": {"color": slower.of.style.colour, "width": 2},
        },
        name=sentence,
        showlegend=False,
        visible=not alone,
        meta=traces.made([*faster.curve.rows, *slower.curve.rows], alone=alone),
        hovertext=[sentence.replace(" from T", "<br>from T")],
        hovertemplate=traces.HOVER,
    )


def _at(curve: Curve, seq_len: float) -> float:
    """Height of a drawn curve between its points: straight on logarithmic axes."""
    logs = np.interp(np.log(seq_len), np.log(curve.seq_len), np.log(curve.value))
    return float(np.exp(logs))
