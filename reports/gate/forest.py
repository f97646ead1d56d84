"""Every point's ratio with its interval, beside what is allowed and what the machine makes of no
change at all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from reports import units
from reports.charts.layout import figure
from reports.charts.traces import HOVER
from reports.gate.cells import in_order
from reports.gate.result import PointResult, Result, Timing, Verdict
from reports.gate.words import counted, slowdown
from reports.palette import NEUTRAL, faded

LOOKS = {
    Verdict.SLOWER: ("#d55e00", "triangle-right"),
    Verdict.UNSURE: ("#c46a9b", "diamond-open"),
    Verdict.FASTER: ("#009e73", "triangle-left"),
    Verdict.SAME: (NEUTRAL, "circle"),
}
"""Colour, of the palette, and symbol of a verdict."""
MOST_DRAWN = 60
"""More rows than that nobody reads; those that somebody has to act on come first."""
LIMIT_OPACITY, FLOOR_OPACITY = 0.12, 0.22
TICK_GAP = 0.1
"""How far two ticks lie apart at least, as a share of the axis."""
TICKS = sorted(
    (
        *(1 + sign * step for step in (0.01, 0.02, 0.05, 0.1, 0.2) for sign in (1, -1)),
        *(step * 10.0**k for step in (1, 2, 5) for k in range(5)),
        *(step / 10.0**k for step in (1, 2, 5) for k in range(1, 5)),
        1.5,
    ),
    key=lambda tick: abs(math.log(tick)),
)
"""Ratios that may have a tick, those nearest to no change first."""


def drawn(result: Result) -> list[PointResult]:
    """The points that the figure shows, from the top: those timed, as far as there is room."""
    return [point for point in in_order(result) if point.timing is not None][:MOST_DRAWN]


def forest(result: Result) -> go.Figure:
    """Head's latency over base's, a row a point, with 95% intervals.

    The bands are the limit and the noise floor, either way; `+` is the same estimate of the same
    point from processes of one side alone.
    """
    points = drawn(result)
    bands = _bands(result)
    ends = [end for p in points if p.timing for end in (p.timing.low, p.timing.high)]
    unchanged = _unchanged(points)
    crosses = "; +: what processes of<br>one side alone make of no change at all"
    return figure(
        [*_verdicts(points), *unchanged],
        {
            "xaxis": _axis(
                [
                    *ends,
                    *(x for of in unchanged for x in of.x),
                    *(band[edge] for band in bands for edge in ("x0", "x1")),
                ]
            ),
            "yaxis": {
                "title": {"text": ""},
                "range": [-len(points) + 0.4, 0.8],
                "visible": False,
                "fixedrange": True,
            },
            "shapes": [*bands, _no_change()],
        },
        title="Head's latency over base's",
        subtitle=f"95% intervals, right is slower{crosses if unchanged else ''}",
        nothing="" if points else "Nothing was timed.",
    ).update_layout(annotations=[_name(nth, point) for nth, point in enumerate(points)])


def _verdicts(points: Sequence[PointResult]) -> list[go.Scatter]:
    """A trace for each verdict that there is."""
    traces = []
    for verdict, (colour, symbol) in LOOKS.items():
        of = [
            (nth, point, point.timing)
            for nth, point in enumerate(points)
            if point.timing and point.timing.verdict is verdict
        ]
        if of:
            traces.append(
                go.Scatter(
                    x=[timing.ratio for _, _, timing in of],
                    y=[-nth for nth, _, _ in of],
                    error_x={
                        "type": "data",
                        "array": [timing.high - timing.ratio for _, _, timing in of],
                        "arrayminus": [timing.ratio - timing.low for _, _, timing in of],
                        "width": 4,
                        "thickness": 1.6,
                    },
                    name=verdict.value,
                    mode="markers",
                    marker={"color": colour, "symbol": symbol, "size": 10},
                    hovertext=[_hover(point, timing) for _, point, timing in of],
                    hovertemplate=HOVER,
                )
            )
    return traces


def _unchanged(points: Sequence[PointResult]) -> list[go.Scatter]:
    """The marks of no change at all, of the points that have one."""
    found = [
        (-nth, point.timing.null_ratio)
        for nth, point in enumerate(points)
        if point.timing and point.timing.null_ratio is not None
    ]
    marks = go.Scatter(
        x=[ratio for _, ratio in found],
        y=[at for at, _ in found],
        name="no change",
        mode="markers",
        marker={"color": NEUTRAL, "symbol": "cross-thin-open", "size": 8},
        hoverinfo="skip",
    )
    return [marks] if found else []


def _hover(point: PointResult, timing: Timing) -> str:
    base, head = (units.duration(value) for value in (timing.base_ms, timing.head_ms))
    blocks = f", {counted(len(timing.blocks), 'block')}" if timing.blocks else ""
    unchanged = timing.null_ratio
    return "<br>".join(
        [
            f"<b>{escape(point.name, quote=False)}</b>: {timing.verdict}",
            slowdown(timing),
            f"base {base}, head {head}{blocks}",
            *([] if unchanged is None else [f"no change at all: {units.factor(unchanged)}"]),
        ]
    )


def _name(nth: int, point: PointResult) -> dict[str, Any]:
    """A point's name above its interval: beside it a phone would have no room for both."""
    return {
        "text": escape(point.name, quote=False),
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": 0.36 - nth,
        "showarrow": False,
        "font": {"size": 11},
    }


def _bands(result: Result) -> list[dict[str, Any]]:
    floor = result.noise.floor if result.noise else None
    shares = [("limit", result.asked_limit, LIMIT_OPACITY)]
    if floor is not None:
        shares.append(("noise floor", floor, FLOOR_OPACITY))
    return [
        {
            "type": "rect",
            "name": f"{name} {units.percent(share)}",
            "showlegend": True,
            "layer": "below",
            "x0": 1 / (1 + share),
            "x1": 1 + share,
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": {"width": 0},
            "fillcolor": faded(NEUTRAL, opacity),
        }
        for name, share, opacity in shares
    ]


def _no_change() -> dict[str, Any]:
    return {"type": "line", "layer": "below", "x0": 1, "x1": 1, "yref": "paper", "y0": 0, "y1": 1}


def _axis(values: Iterable[float]) -> dict[str, Any]:
    """A logarithmic axis for ratios, with 1 on it."""
    drawn = [math.log10(value) for value in (*values, 1.0)]
    margin = 0.05 * (max(drawn) - min(drawn)) or 0.01
    low, high = min(drawn) - margin, max(drawn) + margin
    ticks: list[float] = []
    for tick in TICKS:
        at = math.log10(tick)
        gap = TICK_GAP * (high - low)
        if low <= at <= high and all(abs(at - math.log10(other)) >= gap for other in ticks):
            ticks.append(tick)
    return {
        "type": "log",
        "title": {"text": "head / base"},
        "range": [low, high],
        "tickvals": sorted(ticks),
        "ticktext": [f"{tick:.4g}" for tick in sorted(ticks)],
        "tickangle": 0,
    }
