"""Claims about a whole frame: how much of it failed, and one device or run against another."""

from __future__ import annotations

from math import inf, log

import pandas as pd

from reports import settings, units
from reports.compare import fastest
from reports.models.claims import SUBJECT, Claim, chunk_of, length
from reports.schema import Status
from reports.settings import Setting
from reports.statuses import GRAVEST, outcome

WORTH_SAYING = 0.05
"""Share of the points that were tried, below which failures are left to their section."""
NOT_TRIED = (Status.LEFT_OUT, Status.UNSUPPORTED)


def failures(frame: pd.DataFrame) -> Claim | None:
    """How many of the points that were tried gave no valid latency, where that is many."""
    tried = frame[~frame["status"].isin(NOT_TRIED) & ~frame["predicted"]]
    failed = tried[tried["status"] != Status.OK]
    ok = len(tried) - len(failed)
    if len(tried) == 0:
        text = f"No point was tried: {_counted(frame)}."
    elif not ok:
        text = f"None of {len(tried)} points that were tried gave a valid latency"
        text += f": {_counted(failed)}."
    elif len(failed) > WORTH_SAYING * len(tried):
        text = f"{len(failed)} of {len(tried)} points that were tried gave no valid latency"
        text += f": {_counted(failed)}."
    else:
        return None
    weight = log(len(tried) / ok) if ok else inf
    return Claim("failures", text, weight, "failures", tuple(frame["variant"].unique()))


def _counted(rows: pd.DataFrame) -> str:
    """How many ended in which way, the gravest first."""
    found = rows.value_counts(["status", "predicted"])
    kinds = [(status, predicted) for status in GRAVEST for predicted in (False, True)]
    return ", ".join(f"{found[kind]} {outcome(*kind)}" for kind in kinds if kind in found)


def devices(found: list[Setting]) -> Claim | None:
    """One label on two devices, or in two runs, at the longest length that both have.

    Medians alone: points of two runs took no turns, so there is no interval of their ratio, and
    half of the factor is what the claim weighs.
    """
    best = {at: fastest(setting.frame) for at, setting in enumerate(found)}
    pairs = [(a, b) for a in best for b in best if a < b and _differ_in_place(found[a], found[b])]
    claims = [claim for a, b in pairs if (claim := _medians(best[a], best[b])) is not None]
    return max(claims, key=lambda claim: claim.weight, default=None)


def _differ_in_place(one: Setting, other: Setting) -> bool:
    """Whether two settings are alike in all but the run and the device."""
    mine, theirs = one.frame.iloc[0], other.frame.iloc[0]
    # How a call is cached, or replayed, goes with the device.
    place = ("file", "device_name", "cache", "cuda_graph")
    return all(mine[name] == theirs[name] for name in settings.FIELDS if name not in place)


def _medians(one: pd.DataFrame, other: pd.DataFrame) -> Claim | None:
    shared = set(zip(one["label"], one["seq_len"], strict=True)) & set(
        zip(other["label"], other["seq_len"], strict=True)
    )
    if not shared:
        return None
    variant_of = dict(zip(one["label"], one["variant"], strict=True))
    label, T = max(shared, key=lambda key: (variant_of[key[0]] == SUBJECT, key[1], key[0]))
    rows = [
        side[(side["label"] == label) & (side["seq_len"] == T)].iloc[0] for side in (one, other)
    ]
    slow, fast = sorted(rows, key=lambda row: -row["latency_ms"])
    if not fast["latency_ms"] > 0:
        return None
    ratio = float(slow["latency_ms"] / fast["latency_ms"])
    by_device = fast["device_name"] != slow["device_name"]
    names = [_device(row) if by_device else _run(row) for row in (fast, slow)]
    text = (
        f"By the medians alone (they took no turns) {label} at T = {length(T)} took "
        f"{units.duration(fast['latency_ms'])}{chunk_of(fast)} {names[0]} and "
        f"{units.duration(slow['latency_ms'])}{chunk_of(slow)} {names[1]}: "
        f"{units.factor(ratio)} as long."
    )
    return Claim("devices", text, log(ratio) / 2, "scaling", (variant_of[label],))


def _device(row: pd.Series) -> str:
    return f"on {row['device_name']}"


def _run(row: pd.Series) -> str:
    return f"in {settings.describe(row, ['file'])}"
