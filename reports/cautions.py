"""What a reader of a figure should know of how it was come by, said only where it occurred."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports import units

LEAST_HIDDEN = 0.95
"""Share of samples whose launch was hidden, below which the GPU may have waited for Python."""
MOST_DISTURBED = 0.05
"""Share of time lost to other processes or machines, above which the machine was not quiet."""

WHY_STOPPED = {
    "stable": "stable spread, target out of reach",
    "time": "time used up",
    "samples": "as many samples as are taken of any point",
}


def missed_target(row: pd.Series) -> str:
    """The mark of a row whose interval is wider than asked for, such as `±3.4%, target 1%`.

    Args:
        row: one with a latency, of a frame of `reports.load` or `reports.summarise`.

    Returns:
        Empty where the target was reached.
    """
    if not _misses(row):
        return ""
    target = units.percent(row["target"])
    if pd.isna(row["precision"]):
        return f"no interval, target {target}"
    width = units.percent(row["precision"])
    return f"just over target {target}" if width == target else f"±{width}, target {target}"


def cautions(row: pd.Series) -> list[str]:
    """Everything to be careful of in a row, a few words each; none for most rows.

    Args:
        row: of a frame of `reports.load` or `reports.summarise`.
    """
    if pd.isna(row["latency_ms"]):
        return []
    return [kind.of_row(row) for kind in _KINDS if kind.occurs(row)]


def sentences(rows: pd.DataFrame) -> list[str]:
    """What there is to be careful of among the rows that are ok: a sentence for each kind.

    Args:
        rows: of a frame of `reports.load`.
    """
    ok = rows[rows["status"] == "ok"]
    found = [(kind, ok[kind.occurs(ok)]) for kind in _KINDS]
    return [kind.of_all(at, len(ok)) for kind, at in found if len(at)]


@dataclass(frozen=True)
class _Kind:
    """One thing to be careful of."""

    occurs: Callable[[Any], Any]
    """Whether it does, in a row, or in which rows of a frame."""
    of_row: Callable[[pd.Series], str]
    of_all: Callable[[pd.DataFrame, int], str]
    """The sentence about the rows in which it occurs, and about how many they are of."""


def _misses(at: Any) -> Any:
    return pd.isna(at["precision"]) | (at["precision"] > at["target"])


def _precision_of_row(row: pd.Series) -> str:
    # A file may say that the target was reached where it was not: then there is no reason to give.
    why = WHY_STOPPED.get(row["stopped_by"], "")
    return ": ".join(filter(None, [missed_target(row), why]))


def _precision_of_all(at: pd.DataFrame, count: int) -> str:
    targets = set(at["target"])
    target = f"target of {units.percent(targets.pop())}" if len(targets) == 1 else "targets"
    without = int(at["precision"].isna().sum())
    worst = [f"±{units.percent(at['precision'].max())} at worst"] if without < len(at) else []
    none = [f"{without} without an interval"] if without else []
    return f"{len(at)} of {_points(count)} missed the {target}: {', '.join(worst + none)}."


def _throttled_of_all(at: pd.DataFrame, _: int) -> str:
    return (
        f"{_points(len(at))} had samples taken while the device held its clocks down: "
        f"{at['throttled_samples'].sum()} of {at['samples'].sum()} samples."
    )


def _points(count: int) -> str:
    return "1 point" if count == 1 else f"{count} points"


_KINDS = (
    _Kind(_misses, _precision_of_row, _precision_of_all),
    _Kind(
        lambda at: at["throttled_samples"] > 0,
        lambda row: f"{row['throttled_samples']:.0f} of {row['samples']:.0f} samples throttled",
        _throttled_of_all,
    ),
    _Kind(
        # Not `~`: of a Python bool it is never false.
        lambda at: at["stationary"] != 1,
        lambda row: "warm-up did not become stationary",
        lambda at, _: f"The warm-up of {_points(len(at))} did not become stationary.",
    ),
    _Kind(
        lambda at: at["retained_bytes"] > 0,
        lambda row: f"a call retains {units.size(row['retained_bytes'])}: a leak",
        lambda at, _: (
            f"A call of {_points(len(at))} retains memory, "
            f"{units.size(at['retained_bytes'].max())} at most: a leak."
        ),
    ),
    _Kind(
        lambda at: at["launch_hidden"] < LEAST_HIDDEN,
        lambda row: f"launch hidden in only {units.percent(row['launch_hidden'])} of samples",
        lambda at, _: (
            f"The launch of {_points(len(at))} was not hidden, so the latency may be Python's: "
            f"hidden in {units.percent(at['launch_hidden'].min())} of samples at worst."
        ),
    ),
    _Kind(
        lambda at: at["cpu_wait"] > MOST_DISTURBED,
        lambda row: f"threads waited {units.percent(row['cpu_wait'])} of their time for a core",
        lambda at, _: (
            f"The threads of {_points(len(at))} waited for a core: "
            f"{units.percent(at['cpu_wait'].max())} of their time at worst."
        ),
    ),
    _Kind(
        lambda at: at["cpu_steal"] > MOST_DISTURBED,
        lambda row: f"the hypervisor took {units.percent(row['cpu_steal'])} of the cores' time",
        lambda at, _: (
            f"The hypervisor took the cores from {_points(len(at))}: "
            f"{units.percent(at['cpu_steal'].max())} of their time at worst."
        ),
    ),
)
