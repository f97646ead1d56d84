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
    "device_name",
    "cache",
    "cuda_graph",
    "allocator",
    "wait_policy",
)
"""One run, one workload, one model of device, one way of measuring: only the label, T and the chunk
size vary inside a setting.

The run is one of them because between two runs the machine, the versions and the load may differ.
Two devices of one model share the points of one run.
"""

CACHE_WORDS = {"cold": "cold cache", "warm": "warm cache"}
ALLOCATOR_WORDS = {"kept": "malloc keeps freed memory", "system": "system malloc"}
WAIT_POLICY_WORDS = {"passive": "threads sleep", "system": "system wait policy"}


@dataclass(frozen=True)
class Setting:
    """The rows of a frame that may be compared with each other."""

    title: str
    """What sets it apart from the frame's other settings; if there is no other, all of it but what
    is as usual."""
    frame: pd.DataFrame


def split(frame: pd.DataFrame) -> list[Setting]:
    """Split a frame of `reports.load` into its settings, in the order they were measured."""
    differing = [name for name in FIELDS if frame[name].nunique() > 1]
    return [
        Setting(describe(rows.iloc[0], differing or _worth_saying(rows.iloc[0])), rows)
        for _, rows in frame.groupby(list(FIELDS), sort=False)
    ]


def common(frame: pd.DataFrame) -> str:
    """In words, what all rows of a frame share but is not as usual anyway; empty without rows."""
    if frame.empty:
        return ""
    shared = [name for name in _worth_saying(frame.iloc[0]) if frame[name].nunique() == 1]
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


def unusual(row: pd.Series) -> list[str]:
    """Which of the ways of measuring are not the usual ones: the names of their columns."""
    usual = {
        "cache": "warm" if row["device"] == "cpu" else "cold",
        "cuda_graph": False,
        "allocator": "kept",
        "wait_policy": "passive",
    }
    return [name for name, value in usual.items() if row[name] != value]


def describe(row: pd.Series, fields: Sequence[str] = FIELDS) -> str:
    """A row's setting in words, such as `forward, layer, float32, causal, batch 1`."""
    words = {
        "file": f"run {Path(row['file']).stem}",
        "causal": "causal" if row["causal"] else "not causal",
        "batch": f"batch {row['batch']}",
        "dim": f"dim {row['dim']}",
        "heads": f"{row['heads']} heads",
        "seed": f"seed {row['seed']}",
        "cache": CACHE_WORDS[row["cache"]],
        "cuda_graph": "CUDA graph" if row["cuda_graph"] else "no CUDA graph",
        "allocator": ALLOCATOR_WORDS[row["allocator"]],
        "wait_policy": WAIT_POLICY_WORDS[row["wait_policy"]],
    }
    return ", ".join(words.get(name, str(row[name])) for name in fields)


def _worth_saying(row: pd.Series) -> list[str]:
    """The fields of a page that has one run: all but the ways of measuring that are usual."""
    ways = ("cache", "cuda_graph", "allocator", "wait_policy")
    said = unusual(row)
    return [name for name in FIELDS if name != "file" and (name not in ways or name in said)]
