"""What the page carries for its script: the frame as columns, hover texts, figures; compressed.

Base64 has no `<`, so nothing that a run file says can end the script element it is in.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from io import StringIO
from math import isfinite
from typing import Any

import pandas as pd

from reports.charts.hover import hovers
from reports.frame import COLUMNS, flat
from reports.page.figures import Chart
from reports.page.filters import Filter
from reports.statuses import STATUS_WORDS

EXACT = 2**53
"""A browser's numbers are exact up to here; a column that goes beyond is carried as text."""
KINDS = {"int64": "int", "Int64": "int", "float64": "float", "bool": "bool", "boolean": "bool"}
"""Of a column's dtype in `COLUMNS`; all others are text."""


class RowSets:
    """Sets of row numbers that parts of the page are computed from, each kept once."""

    def __init__(self) -> None:
        self.sets: list[tuple[int, ...]] = []
        self._numbers: dict[tuple[int, ...], int] = {}

    def number(self, rows: Iterable[int]) -> int:
        """The number by which a part of the page names its rows."""
        key = tuple(int(row) for row in rows)
        if key not in self._numbers:
            self._numbers[key] = len(self.sets)
            self.sets.append(key)
        return self._numbers[key]


def payload(
    frame: pd.DataFrame,
    filters: Sequence[Filter],
    charts: Sequence[Chart],
    rowsets: RowSets,
    name: str,
) -> dict[str, Any]:
    """Everything that the page's script works on, ready for JSON.

    Args:
        frame: with the row numbers 0, 1, … as its index.
        name: what files that the page saves are named after.
    """
    table = flat(frame)
    return {
        "name": name,
        "columns": {column: _values(table[column]) for column in table},
        "kinds": {column: KINDS.get(COLUMNS[column][0], "text") for column in table},
        "hover": hovers(frame).tolist(),
        "statuses": {str(status): words for status, words in STATUS_WORDS.items()},
        "filters": [asdict(one) for one in filters],
        "figures": {
            one.name: {"head": one.head, "traces": one.traces, "layout": one.layout}
            for one in charts
        },
        "rowsets": rowsets.sets,
    }


def packed(content: str) -> str:
    """Text as gzip in base64; the same text always gives the same."""
    return base64.b64encode(gzip.compress(content.encode(), 9, mtime=0)).decode()


def dumped(content: dict[str, Any]) -> str:
    """As JSON, as short as it gets."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _values(column: pd.Series) -> list[Any]:
    """A column's values, exact; None where they are missing."""
    dtype = COLUMNS[str(column.name)][0]
    kind = KINDS.get(dtype, "text")
    if dtype.startswith("datetime"):
        # As pandas writes them, which is of one resolution for the whole column.
        written = StringIO(column.to_csv(index=False))
        column = pd.read_csv(written, dtype="string").iloc[:, 0]
    values = [None if pd.isna(value) else value for value in column.tolist()]
    if kind == "float":
        return [value if value is None or isfinite(value) else str(value) for value in values]
    if kind == "int" and any(value is not None and abs(value) > EXACT for value in values):
        return [None if value is None else str(value) for value in values]
    return values
