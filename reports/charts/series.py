"""Which curves a frame has: one for each setting and label, never one across settings."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import pandas as pd

from reports import settings
from reports.palette import Style, styles

DRAWN = (
    *settings.FIELDS,
    "device",
    "label",
    "variant",
    "seq_len",
    "refined",
    "chunk_size",
    "status",
    "predicted",
    "latency_ms",
    "latency_low_ms",
    "latency_high_ms",
    "samples_ms",
    "visits",
    "rounds",
    "workspace_bytes",
    "distance_to_full",
    "noise_spread",
    "flops",
    "flops_ceiling",
    "bytes_ceiling",
)
"""The columns that figures and the models behind them read, but for those of `hover`."""


@dataclass(frozen=True)
class Series:
    """One label in one setting: all that a curve may join."""

    setting: int
    """Which of the frame's settings, from 0."""
    label: str
    title: str
    """The label, and what sets its setting apart."""
    style: Style
    rows: list[int]
    """Numbers of its rows."""

    @property
    def name(self) -> str:
        """Its title for legends and hovers, escaped."""
        # Of entities Plotly knows none for a quotation mark.
        return escape(self.title, quote=False)

    @property
    def dash(self) -> str:
        """The dash of its curve."""
        return self.style.dash(self.setting)

    @property
    def group(self) -> str:
        """The legend's name for all its traces: a click on one entry hides them together."""
        return f"{self.setting}/{self.name}"


def numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with an index that tells every row: its own if it can, otherwise positions."""
    is_number = pd.api.types.is_integer_dtype(frame.index.dtype)
    return frame if is_number and frame.index.is_unique else frame.reset_index(drop=True)


def drawn_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns that are drawn: taking some rows of all of them is most of the time it takes."""
    return frame[list(DRAWN)]


def series(frame: pd.DataFrame) -> list[Series]:
    """The curves of a frame, settings in the order measured, labels as legends name them."""
    look = styles(frame)
    found = settings.split(frame)
    return [
        Series(
            number,
            label,
            f"{label}, {setting.title}" if len(found) > 1 else label,
            style,
            rows,
        )
        for number, setting in enumerate(found)
        for label, style in look.items()
        if (rows := setting.frame.index[setting.frame["label"] == label].tolist())
    ]
