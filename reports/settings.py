"""What must be equal before two rows may share a curve, and how to split a frame by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

FIELDS = (
    "file",
    "direction",
    "scope",
    "dtype",
    "causal",
    "batch",
    "dim",
    "heads",
    "seed",
    "device",
    "device_name",
)
"""One run, one workload, one device: only the label, T and the chunk size vary inside a setting.

The run is one of them because between two runs the machine, the versions and the load may differ.
"""


@dataclass(frozen=True)
class Setting:
    """The rows of a frame that may be compared with each other."""

    title: str
    """What sets it apart from the frame's other settings; all of it if there is no other."""
    frame: pd.DataFrame


def split(frame: pd.DataFrame) -> list[Setting]:
    """Split a frame of `reports.load` into its settings, in the order they were measured."""
    differing = [name for name in FIELDS if frame[name].nunique() > 1]
    named = differing or [name for name in FIELDS if name != "file"]
    return [
        Setting(describe(rows.iloc[0], named), rows)
        for _, rows in frame.groupby(list(FIELDS), sort=False)
    ]


def common(frame: pd.DataFrame) -> str:
    """In words, what all rows of a frame share; empty for an empty frame."""
    if frame.empty:
        return ""
    shared = [name for name in FIELDS if name != "file" and frame[name].nunique() == 1]
    return describe(frame.iloc[0], shared)


def require_one(frame: pd.DataFrame) -> None:
    """Refuse a frame whose rows must not share a curve.

    Raises:
        ValueError: the frame holds more than one setting.
    """
    differing = [name for name in FIELDS if frame[name].nunique() > 1]
    if differing:
        raise ValueError(
            f"these rows differ in {', '.join(differing)}, so they do not belong in one chart; "
            "give the frame of one setting of reports.settings.split(frame)"
        )


def describe(row: pd.Series, fields: Sequence[str] = FIELDS) -> str:
    """A row's setting in words, such as `forward, layer, float32, causal, batch 1`."""
    words = {
        "file": f"run {Path(row['file']).stem}",
        "causal": "causal" if row["causal"] else "not causal",
        "batch": f"batch {row['batch']}",
        "dim": f"dim {row['dim']}",
        "heads": f"{row['heads']} heads",
        "seed": f"seed {row['seed']}",
    }
    return ", ".join(words.get(name, str(row[name])) for name in fields)
