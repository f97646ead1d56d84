"""The filters of the page: what may be chosen, what is at the start, the address that says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

import pandas as pd

from reports import settings
from reports.palette import styles

TITLES = {
    "variant": "variant",
    "backend_used": "backend",
    "dtype": "dtype",
    "direction": "direction",
    "batch": "batch",
    "chunk_size": "chunk size",
    "file": "run",
    "device_name": "device",
    "causal": "mask",
    "cuda_graph": "CUDA graph",
    "wait_policy": "wait policy",
}
"""What a group is called if not as its column; these come first, in this order."""
FIELDS = tuple(dict.fromkeys((*TITLES, *settings.FIELDS)))
ALL_AT_START = ("variant", "backend_used", "chunk_size", "file", "device_name")
"""Of every other field the page opens with one value: curves of several workloads in one chart are
more than the eye can take."""
NO_BACKEND = "none"


@dataclass(frozen=True)
class Filter:
    """A field with several values, of which the reader chooses some."""

    field: str
    title: str
    values: tuple[str, ...]
    """As the address has them."""
    words: tuple[str, ...]
    """The same as people read them."""
    start: tuple[str, ...]
    """Those chosen when the page opens."""
    codes: list[int | None]
    """For every row of the frame the number of its value; None where it has none."""


def filters(frame: pd.DataFrame) -> list[Filter]:
    """The fields of a frame that have several values."""
    kept = {name: frame[name] for name in FIELDS}
    kept["backend_used"] = frame["backend_used"].replace("", NO_BACKEND)
    several = {name: column for name, column in kept.items() if column.nunique() > 1}
    start = _start(pd.DataFrame(several))
    return [_filter(frame, name, column, start[name]) for name, column in several.items()]


def _filter(frame: pd.DataFrame, name: str, column: pd.Series, start: Iterable[Any]) -> Filter:
    values = _ordered(frame, name, column)
    number = {value: i for i, value in enumerate(values)}
    rows = column.drop_duplicates().dropna()
    row_of = dict(zip(rows, rows.index, strict=True))
    words = [_words(name, value, frame.loc[row_of[value]]) for value in values]
    chosen = set(start)
    return Filter(
        name,
        TITLES.get(name, name),
        tuple(map(str, values)),
        tuple(words),
        tuple(str(value) for value in values if value in chosen),
        [None if pd.isna(value) else number[value] for value in column],
    )


def _ordered(frame: pd.DataFrame, name: str, column: pd.Series) -> list[Any]:
    """Variants as legends name them, numbers ascending, all else as measured."""
    values = column.dropna().unique().tolist()
    if name == "variant":
        variant_of = dict(zip(frame["label"], frame["variant"], strict=True))
        return list(dict.fromkeys(variant_of[label] for label in styles(frame)))
    is_number = pd.api.types.is_numeric_dtype(column) and column.dtype != "bool"
    return sorted(values) if is_number else values


def _words(name: str, value: Any, row: pd.Series) -> str:
    if name in ("file", "causal", "cache", "cuda_graph", "allocator", "wait_policy"):
        return settings.describe(row, [name])
    return str(value)


def _start(several: pd.DataFrame) -> dict[str, set[Any]]:
    """The values of the first row, and of the first of every run and device that has none of them.

    One value of each field would hide a run that has no point in common with the first.
    """
    fields = [name for name in several if name not in ALL_AT_START]
    start: dict[str, set[Any]] = {name: set(several[name].dropna()) for name in several}
    if several.empty or not fields:
        return start
    start |= {name: {several[name].iloc[0]} for name in fields}
    apart = [name for name in ("file", "device_name") if name in several]
    groups = [rows for _, rows in several.groupby(apart, sort=False)] if apart else []
    for rows in groups:
        seen = pd.concat([rows[name].isin(start[name]) for name in fields], axis=1).all(axis=1)
        if not seen.any():
            for name in fields:
                start[name].add(rows[name].iloc[0])
    return start


def address(state: Mapping[str, Sequence[str]], at: str) -> str:
    """The fragment that opens the page with these values chosen, at one of its parts."""
    parts = [
        f"{quote(field)}={','.join(quote(str(value), safe='') for value in values)}"
        for field, values in state.items()
    ]
    return "#" + "&".join([*parts, f"at={quote(at)}"])


def controls(found: Sequence[Filter], frame: pd.DataFrame) -> str:
    """A group of check boxes for every filter, as HTML."""
    look = styles(frame)
    variants = frame.drop_duplicates("variant")
    colours = {
        v: look[la].colour for v, la in zip(variants["variant"], variants["label"], strict=True)
    }
    if not found:
        return ""
    groups = "".join(_group(one, colours if one.field == "variant" else {}) for one in found)
    return (
        f'<details class="filters" open><summary>Filters</summary>{groups}'
        '<p class="tools"><button type="button" data-all>Show all</button>'
        '<button type="button" id="reset">Reset</button></p></details>'
    )


def _group(one: Filter, colours: Mapping[str, str]) -> str:
    boxes = "".join(
        f'<label><input type="checkbox" data-field="{one.field}" value="{escape(value)}"'
        f"{' checked' if value in one.start else ''}{_chip(colours.get(value))}>"
        f"{escape(words)}</label>"
        for value, words in zip(one.values, one.words, strict=True)
    )
    return f'<fieldset><legend>{one.title}</legend><div class="chips">{boxes}</div></fieldset>'


def _chip(colour: str | None) -> str:
    return f' style="--chip: {colour}"' if colour else ""
