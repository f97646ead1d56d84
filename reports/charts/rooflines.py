"""Rates reached beside what the device can do: a roofline for every device and dtype."""

from __future__ import annotations

from html import escape

import pandas as pd
import plotly.graph_objects as go

from reports import settings
from reports.charts import axes, traces
from reports.charts.hover import hovers
from reports.charts.layout import figure
from reports.charts.series import Series, drawn_columns, numbered, series
from reports.models.roofline import roofline as rates_of
from reports.palette import DASHES, NEUTRAL

ROOF = ["file", "device_name", "dtype"]
"""What a roof was measured for."""
RING = ("", "-open")
"""Points of every other setting are hollow, as there is no curve whose dash could differ."""


def roofline(frame: pd.DataFrame) -> go.Figure:
    """FLOP/s reached against FLOP/byte, under the roofs of the same device, dtype and run.

    The slope is what the memory's copy rate can feed, the ceiling the rate of a large matrix
    product; FLOPs and bytes are the cost model's (`reports.models.roofline`).

    Args:
        frame: of `reports.load`, of any number of settings.
    """
    frame = numbered(frame)
    rates, texts = rates_of(frame), hovers(frame)
    drawn = drawn_columns(frame).loc[rates.index].assign(**rates)
    points = [
        _points(of, rows, texts)
        for of in series(frame)
        if len(rows := drawn.loc[drawn.index.intersection(of.rows)])
    ]
    knees = drawn["flops_ceiling"] / drawn["bytes_ceiling"]
    layout = {
        "xaxis": axes.intensity_axis(pd.concat([drawn["intensity"], knees / 2, knees * 2])),
        "yaxis": axes.rate_axis(pd.concat([drawn["flops_per_s"], drawn["flops_ceiling"]])),
    }
    return figure(
        [*(_roofs(drawn) if len(drawn) else []), *points],
        layout,
        title="Roofline: rates against arithmetic intensity",
        subtitle="lines: what this device's memory and arithmetic<br>"
        "can do at most, measured in the same run",
        nothing="" if len(drawn) else "No point has a cost and<br>the ceilings of its device.",
    )


def _roofs(drawn: pd.DataFrame) -> list[go.Scatter]:
    """A line for every roof, as wide as all points, with its name over its flat part."""
    differing = [name for name in ROOF if drawn[name].nunique() > 1]
    groups = [rows for _, rows in drawn.groupby(ROOF, sort=False)]
    knees = drawn["flops_ceiling"] / drawn["bytes_ceiling"]
    ends = (min(drawn["intensity"].min(), knees.min()) / 4, drawn["intensity"].max() * 2)
    return [
        _roof(rows, ends, settings.describe(rows.iloc[0], differing or ["dtype"]), nth)
        for nth, rows in enumerate(groups)
    ]


def _roof(rows: pd.DataFrame, ends: tuple[float, float], name: str, nth: int) -> go.Scatter:
    ceiling, copy = (float(rows[f"{what}_ceiling"].iloc[0]) for what in ("flops", "bytes"))
    knee = ceiling / copy
    name = escape(name, quote=False)
    at = [ends[0], knee, max(ends[1], 2 * knee)]
    sentence = (
        f"<b>{name}</b><br>a large matrix product: {axes.rate(ceiling)}<br>"
        f"a large copy, read and written: {axes.rate(copy, 'B/s')}<br>"
        f"below {knee:.3g} FLOP/byte the memory is the bound"
    )
    return go.Scatter(
        x=at,
        y=[min(ceiling, intensity * copy) for intensity in at],
        name=name,
        showlegend=False,
        mode="lines+text",
        line={"color": NEUTRAL, "width": 1.5, "dash": DASHES[nth % len(DASHES)]},
        text=["", f"{name}: {axes.rate(ceiling)}", ""],
        textposition="top right",
        meta=traces.made(rows.index, of_any=True),
        hovertext=[sentence] * len(at),
        hovertemplate=traces.HOVER,
    )


def _points(of: Series, rows: pd.DataFrame, texts: pd.Series) -> go.Scatter:
    symbol = of.style.symbol + RING[of.setting % len(RING)]
    return go.Scatter(
        x=rows["intensity"].tolist(),
        y=rows["flops_per_s"].tolist(),
        name=of.name,
        legendgroup=of.group,
        mode="markers",
        opacity=0.75,
        marker={
            "color": of.style.colour,
            "symbol": symbol,
            "size": 8,
        },
        customdata=traces.numbers(rows.index),
        meta=traces.each(),
        hovertext=texts[rows.index].tolist(),
        hovertemplate=traces.HOVER,
    )
