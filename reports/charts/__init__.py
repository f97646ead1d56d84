"""Charts: each is one function from a frame of `reports.load` to a Plotly figure."""

from __future__ import annotations

from reports.charts.against_length import distance, latency, oracle, workspace
from reports.charts.chunk_maps import chunk_latency, chunk_workspace

__all__ = ["chunk_latency", "chunk_workspace", "distance", "latency", "oracle", "workspace"]
