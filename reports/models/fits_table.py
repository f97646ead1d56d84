"""How far every attention gets: the longest T that fits the device, and what longer ones take."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd

from reports import units
from reports.models.claims import about, length
from reports.models.curves import Curve, curves
from reports.models.extrapolation import (
    Longest,
    Prediction,
    longest_that_fits,
    predict,
    resident_bytes,
)
from reports.models.growth import Unfit
from reports.models.model_tables import NONE, Line, model_table, named_curve

FITS = (
    "attention",
    "longest T that fits, at most",
    "device memory",
    "predicted at T",
    "latency",
    "workspace",
    "remark",
)
FURTHER = 2
"""Times the longest measured length, for which figures are predicted."""


def fits_table(frame: pd.DataFrame) -> pd.DataFrame:
    """The longest length whose workspace fits the device, and figures predicted for twice the
    longest length measured, of every label at its fastest chunk sizes; with 95% intervals.

    Columns as `reports.models.model_tables` says.
    """
    return model_table(frame, FITS, _lines)


def longest(rows: pd.DataFrame, curve: Curve) -> Longest | Unfit:
    """The longest length that fits the device which a curve of the workspace was measured on.

    Args:
        rows: the rows of the curve's setting and label.
    """
    capacity = rows["capacity_bytes"].max()
    if pd.isna(capacity):
        return Unfit("the run does not say how much memory the device has")
    return longest_that_fits(curve, resident_bytes(rows), float(capacity))


def in_words(found: Longest) -> str:
    """The longest length that fits with its interval: `410,000 (380,000–450,000)`."""
    if found.high is None:
        return f"over {length(float(f'{found.low:.3g}'))}"
    return about(found.seq_len, found.low, found.high)


def _lines(rows: pd.DataFrame) -> Iterator[Line]:
    latency = {curve.label: curve for curve in curves(rows, "latency", "best")}
    for curve in curves(rows, "workspace", "best"):
        of_label = rows[rows["label"] == curve.label]
        fits = longest(of_label, curve)
        capacity = of_label["capacity_bytes"].max()
        at = FURTHER * curve.seq_len[-1]
        timed = latency.get(curve.label)
        figures = [
            Unfit("the clock was too coarse for its calls")
            if timed is None
            else predict(timed, at),
            predict(curve, at),
        ]
        reasons = [found.reason for found in (fits, *figures) if isinstance(found, Unfit)]
        yield {
            "attention": named_curve(curve.label, curve.chunk),
            "longest T that fits, at most": NONE if isinstance(fits, Unfit) else in_words(fits),
            "device memory": NONE if pd.isna(capacity) else units.size(capacity),
            "predicted at T": length(at),
            "latency": _predicted(figures[0], units.duration),
            "workspace": _predicted(figures[1], units.size),
            "remark": "; ".join(dict.fromkeys(reasons)),
            "rows": list(curve.rows),
        }


def _predicted(found: Prediction | Unfit, in_words: Callable[[float], str]) -> str:
    if isinstance(found, Unfit):
        return NONE
    return f"{in_words(found.value)} ({in_words(found.low)}–{in_words(found.high)})"
