"""What the models say, as tables beside the charts that show it."""

from __future__ import annotations

from html import escape

import pandas as pd

from reports import settings
from reports.models.catalogue import TABLES
from reports.page.html import table
from reports.page.payload import RowSets

MOST_CURVES = 120
"""Curves of one chunk size whose models are tables: more take minutes, and nobody reads all."""
LONG = 40
"""Characters of a cell from which on its column may break lines."""
NOT_SHOWN = ("rows", "setting")


def modelled(frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The part of a frame whose models the page shows as tables, and a sentence that says so.

    Whole settings, in their order, at least the first. The sentence is empty where it is all.
    """
    found = settings.split(frame)
    kept: list[pd.DataFrame] = []
    count = 0
    for setting in found:
        count += len(setting.frame[["label", "chunk_size"]].drop_duplicates())
        if kept and count > MOST_CURVES:
            break
        kept.append(setting.frame)
    if len(kept) == len(found):
        return frame, ""
    return frame.loc[sorted(row for rows in kept for row in rows.index)], (
        f"Tables of fits, crossovers and chunk sizes are of the first {len(kept)} of "
        f"{len(found)} settings: a report of fewer settings has them all."
    )


def model_tables(frame: pd.DataFrame, part: str, rowsets: RowSets) -> str:
    """The tables of a part of the page, as HTML; none of those that have no row.

    Args:
        frame: what `modelled` returned.
    """
    return "".join(
        _table(model.make(frame), model.name, model.heading, rowsets)
        for model in TABLES
        if model.part == part
    )


def _table(content: pd.DataFrame, name: str, heading: str, rowsets: RowSets) -> str:
    if content.empty:
        return ""
    first = ["setting"] if content["setting"].nunique() > 1 else []
    shown_columns = content.drop(columns=list(NOT_SHOWN))
    headers = [header for header in shown_columns if shown_columns[header].ne("").any()]
    shown = table(
        [*first, *headers],
        content[[*first, *headers]].to_numpy().tolist(),
        prose=[header for header in headers if content[header].str.len().max() > LONG],
        rowsets=[rowsets.number(rows) for rows in content["rows"]],
        name=f"table-{name}",
    )
    note = f'<p class="quiet" data-note="table-{name}"></p>'
    return f"<h3>{escape(heading)}</h3>{shown}{note}"
