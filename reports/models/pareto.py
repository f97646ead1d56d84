"""Which rows are worth having: no other is as fast and as close to full attention."""

from __future__ import annotations

from collections.abc import Hashable

import pandas as pd

from reports import settings


def front(rows: pd.DataFrame) -> list[Hashable]:
    """The rows on the Pareto front of latency and distance to full attention, both the less the
    better.

    A row is on it unless another is at least as good in both and better in one. Of rows that are
    equal in both, all are. The medians are compared as they are: two rows whose latencies cannot be
    told apart may push each other off (`reports.compare` says which those are).

    Args:
        rows: rows of one setting (`reports.settings.split`) and one length. Those that are not ok
            or have no distance take no part.

    Returns:
        Index labels of `rows`, the fastest first.

    Raises:
        ValueError: the rows are of more than one setting or length.
    """
    settings.require_one(rows)
    if rows["seq_len"].nunique() > 1:
        lengths = ", ".join(str(T) for T in sorted(rows["seq_len"].unique()))
        raise ValueError(
            f"these rows have the lengths {lengths}: a latency at one is no rival of a latency at "
            "another; give the rows of one length"
        )
    figures = rows.loc[rows["status"] == "ok", ["latency_ms", "distance_to_full"]].dropna()
    figures = figures.sort_values(["latency_ms", "distance_to_full"], kind="stable")
    closest = figures.groupby("latency_ms")["distance_to_full"].min()
    # The smallest distance of all that are strictly faster.
    faster = closest.cummin().shift(fill_value=float("inf"))
    own = figures["latency_ms"].map(closest)
    beaten = figures["latency_ms"].map(faster)
    kept = (figures["distance_to_full"] == own) & (own < beaten)
    return list(figures.index[kept])
