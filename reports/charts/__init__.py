"""Charts: each is one function from a frame of `reports.load` to a Plotly figure.

Those in `FIGURES` take a whole frame, those of chunk sizes one label of one setting. A frame with
nothing to draw gives a figure that says so. `reports.charts.traces` says what a trace tells of the
rows behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import pandas as pd
import plotly.graph_objects as go

from reports.charts.agreement import distance, oracle
from reports.charts.chunk_lines import chunk_curves
from reports.charts.chunk_maps import chunk_latency, chunk_workspace
from reports.charts.chunks import chunk_figures
from reports.charts.costs import memory, scaling
from reports.charts.fronts import pareto
from reports.charts.rooflines import roofline
from reports.charts.tuning import tuning_latency
from reports.charts.tuning_trade import tuning_trade

FIGURES: Final[Mapping[str, Callable[[pd.DataFrame], go.Figure]]] = MappingProxyType(
    {
        "scaling": scaling,
        "memory": memory,
        "roofline": roofline,
        "oracle": oracle,
        "distance": distance,
        "pareto": pareto,
    }
)
"""The figures of a whole frame, in the order in which a page shows them."""

__all__ = [
    "FIGURES",
    "chunk_curves",
    "chunk_figures",
    "chunk_latency",
    "chunk_workspace",
    "distance",
    "memory",
    "oracle",
    "pareto",
    "roofline",
    "scaling",
    "tuning_latency",
    "tuning_trade",
]
