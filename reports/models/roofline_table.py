"""How near every attention comes to what its device can do, as a table."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from reports import units
from reports.compare import fastest
from reports.models.claims import length
from reports.models.model_tables import Line, model_table, named_curve
from reports.models.roofline import roofline

ROOFLINE = (
    "attention",
    "T",
    "GFLOP/s",
    "GB/s",
    "FLOP/byte",
    "bound by",
    "of that roof",
)
BOUNDS = {"compute": "arithmetic", "memory": "memory"}


def roofline_table(frame: pd.DataFrame) -> pd.DataFrame:
    """The rates that every label reaches at its shortest and its longest length, each with the
    fastest chunk size there, and the share of the roof that bounds it.

    Columns as `reports.models.model_tables` says.
    """
    return model_table(frame, ROOFLINE, _lines)


def _lines(rows: pd.DataFrame) -> Iterator[Line]:
    reached = roofline(rows)
    best = fastest(rows)
    for label in rows["label"].unique():
        own = best[(best["label"] == label) & best.index.isin(reached.index)]
        for row, seq_len in list(own["seq_len"].items())[:: max(1, len(own) - 1)]:
            chunk = own.loc[row, "chunk_size"]
            at = reached.loc[row]
            yield {
                "attention": named_curve(label, None if pd.isna(chunk) else int(chunk)),
                "T": length(seq_len),
                "GFLOP/s": f"{at['flops_per_s'] / 1e9:,.3g}",
                "GB/s": f"{at['bytes_per_s'] / 1e9:,.3g}",
                "FLOP/byte": f"{at['intensity']:,.3g}",
                "bound by": BOUNDS[at["bound"]],
                "of that roof": units.percent(at["share"]),
                "rows": [row],
            }
