"""What a trace tells the page of the rows behind it, so that its filters act on any chart.

Rows are told by their number: the index label in the frame that the chart was given, which for a
frame of `reports.load`, or a part of it, is the position in that frame. A trace's `meta["kind"]`
says how it follows the filters:

* `each`: point i is the row `customdata[i]` (None: no row); it goes when the row does.
* `best`: point i is one of the rows `customdata[i]`, the best first: the first that passes. Its y
  is that row's column `value`, its error bar the columns `low` and `high` if these are named.
* `cells`: as `each`, in two dimensions.
* `made`: computed from `rows`; shown only while all of them pass, with `any` while at least one
  does; with `alone` only while moreover one chunk size alone is chosen.

A figure about part of the rows says which in `layout.meta["rows"]`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

HOVER = "%{hovertext}<extra></extra>"
"""Hover template: the text itself, without the trace's name beside it."""


def each() -> dict[str, Any]:
    """Meta of a trace whose points are one row each."""
    return {"kind": "each"}


def best(value: str, low: str | None = None, high: str | None = None) -> dict[str, Any]:
    """Meta of a curve through the fastest row of every length.

    Args:
        value: the column that is drawn.
        low, high: columns of the ends of the error bars.
    """
    return {"kind": "best", "value": value, "low": low, "high": high}


def cells() -> dict[str, Any]:
    """Meta of a heat map whose cells are one row each."""
    return {"kind": "cells"}


def made(rows: Iterable[Hashable], *, alone: bool = False, of_any: bool = False) -> dict[str, Any]:
    """Meta of what was computed from rows.

    Args:
        rows: their numbers.
        alone: it is about one chunk size, and out of place beside what is about all of them.
        of_any: it says something of every single one of the rows, not of all together.
    """
    return {"kind": "made", "rows": numbers(rows), "alone": alone, "any": of_any}


def numbers(rows: Iterable[Hashable]) -> list[int]:
    """Index labels as plain numbers, as JSON has them."""
    return [int(row) for row in rows]  # type: ignore[call-overload]
