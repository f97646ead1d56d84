"""A tuning at one length: latency against chunk size, with intervals, ties and the model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import plotly.graph_objects as go

from reports import units
from reports.charts.layout import figure
from reports.charts.traces import HOVER
from reports.models.growth import Unfit
from reports.palette import NAMED, NEUTRAL, faded
from reports.tuning.decision import Decision, Entry
from reports.tuning.words import outcome

CHOSEN = NAMED["lsh"]
LOOKS = {
    "chosen": (CHOSEN, "star", 15),
    "tie": (CHOSEN, "circle", 9),
    "finalist": (NAMED["full"], "circle", 9),
    "dropped": (NEUTRAL, "circle-open", 8),
}
"""Colour, of the palette, symbol and size."""
NAMES = {
    "chosen": "chosen",
    "tie": "tie",
    "finalist": "slower, in a fresh process too",
    "dropped": "dropped on the way",
}
ROOM = 1.3
"""How far the axis goes beyond the outermost chunk sizes, as a factor."""
POINTS = 40
BAND_OPACITY = 0.14
RATIO_GAP = 0.1
LEAST_SPAN = 0.1
"""Decades: an axis does not show less, for nobody should read a trifle as a difference."""
RATIOS = sorted(
    (
        *(1 + sign * step for step in (0.05, 0.1, 0.2) for sign in (1, -1)),
        *(step * 10.0**k for step in (1, 1.5, 2, 3, 5) for k in range(4)),
        0.5,
        0.2,
        0.1,
    ),
    key=lambda tick: (tick not in (1, 1.5, 2, 3, 5, 10), abs(math.log(tick))),
)
"""Ratios that may have a tick, the roundest first."""
TICK_GAP = 0.055
"""How far two ticks lie apart at least, as a share of the axis."""


def tuning_latency(decision: Decision) -> go.Figure:
    """Latency of every chunk size over that of the one to use, on a logarithmic axis.

    The band holds the ties; the dotted line is the model, the vertical ones its best and √T.
    """
    drawn = [entry for entry in decision.entries if entry.ratio is not None]
    sizes = [entry.chunk_size for entry in drawn] or [1]
    ends = [min(sizes) / ROOM, max(sizes) * ROOM]
    ratios = [end for entry in drawn for end in ends_of(entry)]
    traces = [*_model(decision, drawn), *_entries(decision, drawn)]
    band = _band(decision, sizes)
    return figure(
        traces,
        {
            "xaxis": chunk_axis(sizes, ends),
            "yaxis": ratio_axis(ratios, over(decision)),
            "shapes": [*band, *_verticals(decision, ends)],
        },
        title=f"Chunk sizes at T = {units.tokens(decision.seq_len)}",
        subtitle="latency with 95% intervals" + ("; in the band: a tie" if band else ""),
        nothing="" if drawn else "No chunk size was timed.",
    )


def ratio_axis(ratios: Iterable[float], title: str) -> dict[str, Any]:
    """A logarithmic axis of ratios around 1, ticks where there is room, those near 1 first."""
    drawn = [math.log10(ratio) for ratio in (*ratios, 1.0)]
    span = max(drawn) - min(drawn)
    margin = max(0.08 * span, (LEAST_SPAN - span) / 2)
    low, high = min(drawn) - margin, max(drawn) + margin
    ticks: list[float] = []
    for tick in RATIOS:
        at = math.log10(tick)
        gap = RATIO_GAP * (high - low)
        if low <= at <= high and all(abs(at - math.log10(other)) >= gap for other in ticks):
            ticks.append(tick)
    return {
        "type": "log",
        "title": {"text": title},
        "range": [low, high],
        "tickvals": sorted(ticks),
        "ticktext": [f"{tick:g}×" for tick in sorted(ticks)],
    }


def chunk_axis(sizes: Sequence[int], ends: Sequence[float]) -> dict[str, Any]:
    """A logarithmic axis of chunk sizes, ticks at those tried: powers of two first."""
    low, high = map(math.log10, ends)
    ticks: list[int] = []
    for n in sorted(sizes, key=lambda n: (n & (n - 1) != 0, -n)):
        if all(abs(math.log10(n / other)) >= TICK_GAP * (high - low) for other in ticks):
            ticks.append(n)
    return {
        "type": "log",
        "title": {"text": "chunk size (tokens)"},
        "tickvals": sorted(ticks),
        "ticktext": [str(n) for n in sorted(ticks)],
        "tickangle": 0,
        "range": [low, high],
    }


def over(decision: Decision) -> str:
    """What ratios are over, as the title of an axis."""
    return "× the fastest" if decision.chunk_size is None else "× the one to use"


def _entries(decision: Decision, drawn: Sequence[Entry]) -> list[go.Scatter]:
    traces = []
    for look, (colour, symbol, size) in LOOKS.items():
        of = [entry for entry in drawn if _look(entry, decision) == look]
        # Where an interval reaches to 0 or infinity nothing is known, and none is drawn.
        ends = [ends_of(entry) for entry in of]
        if of:
            traces.append(
                go.Scatter(
                    x=[entry.chunk_size for entry in of],
                    y=[middle for _, middle, _ in ends],
                    error_y={
                        "type": "data",
                        "array": [high - middle for _, middle, high in ends],
                        "arrayminus": [middle - low for low, middle, _ in ends],
                        "width": 4,
                        "thickness": 1.4,
                    },
                    name=NAMES[look],
                    mode="markers",
                    marker={"color": colour, "symbol": symbol, "size": size},
                    hovertext=[hover(entry, decision) for entry in of],
                    hovertemplate=HOVER,
                )
            )
    return traces


def _look(entry: Entry, decision: Decision) -> str:
    if entry.chunk_size == decision.chunk_size:
        return "chosen"
    if entry.ties:
        return "tie"
    return "finalist" if entry.fresh else "dropped"


def ends_of(entry: Entry) -> tuple[float, float, float]:
    """Lower end, ratio and upper end."""
    assert entry.ratio is not None
    of = entry.ratio
    known = of.low > 0 and of.high < math.inf
    return (of.low, of.ratio, of.high) if known else (of.ratio, of.ratio, of.ratio)


def _model(decision: Decision, drawn: Sequence[Entry]) -> list[go.Scatter]:
    """The model's curve; as a whole it is put where it fits best, for its shape is what counts."""
    curve = decision.curve
    if isinstance(curve, Unfit) or not drawn:
        return []
    off = [math.log(curve.at(entry.chunk_size) / ends_of(entry)[1]) for entry in drawn]
    scale = math.exp(sum(off) / len(off))
    low, high = drawn[0].chunk_size, drawn[-1].chunk_size
    grid = [low * (high / low) ** (i / (POINTS - 1)) for i in range(POINTS)]
    return [
        go.Scatter(
            x=grid,
            y=[curve.at(n) / scale for n in grid],
            name="model",
            mode="lines",
            line={"color": NAMED["hatrick"], "width": 1.4, "dash": "dot"},
            hoverinfo="skip",
        )
    ]


def _band(decision: Decision, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """From the smallest to the largest that tie, half way to their neighbours."""
    tied = [entry.chunk_size for entry in decision.entries if entry.ties]
    if len(tied) < 2:
        return []
    below = [n for n in sizes if n < min(tied)]
    above = [n for n in sizes if n > max(tied)]
    return [
        {
            "type": "rect",
            "layer": "below",
            "x0": math.sqrt(min(tied) * max(below, default=min(tied) / ROOM)),
            "x1": math.sqrt(max(tied) * min(above, default=max(tied) * ROOM)),
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": {"width": 0},
            "fillcolor": faded(CHOSEN, BAND_OPACITY),
        }
    ]


def _verticals(decision: Decision, ends: Sequence[float]) -> list[dict[str, Any]]:
    """n* of the model, and √T; those that are on the axis."""
    marks = [("model's best", decision.model_n, "dot", NAMED["hatrick"])]
    marks.append(("√T", decision.sqrt_n, "dash", NEUTRAL))
    return [
        {
            "type": "line",
            "name": f"{name} {n:.0f}",
            "showlegend": True,
            "layer": "below",
            "x0": n,
            "x1": n,
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": {"color": colour, "width": 1.4, "dash": dash},
        }
        for name, n, dash, colour in marks
        if n is not None and ends[0] < n < ends[1]
    ]


def hover(entry: Entry, decision: Decision) -> str:
    """What a chunk size says when it is pointed at."""
    of = entry.contender
    low, middle, high = ends_of(entry)
    lines = [f"<b>n = {entry.chunk_size}</b>: {outcome(entry, decision)}"]
    if entry.latency_ms is not None:
        lines.append(
            f"{units.duration(entry.latency_ms)}, {units.factor(middle)} {units.span(low, high)}"
        )
    if of.workspace_bytes is not None:
        lines.append(f"workspace {units.size(of.workspace_bytes)}")
    if of.distance_to_full is not None:
        lines.append(f"distance to full {units.distance(of.distance_to_full)}")
    return "<br>".join(lines)
