"""Rows by what was written for them in a sweep's `--variants`: `lsh:rounds=4`.

An entry is a variant's name and options after colons. `backend` is the one asked for, `auto` where
the entry names none; `chunk_size` stands for the point's. Options that it leaves open may be any.
"""

from __future__ import annotations

import json

import pandas as pd


def parse(entry: str) -> tuple[str, dict[str, str]]:
    """The variant and the options of an entry.

    Raises:
        ValueError: an option without a value.
    """
    name, *pairs = entry.split(":")
    if not all("=" in pair for pair in pairs):
        raise ValueError(f"cannot read the entry {entry!r}; write {name}:option=value")
    return name, dict(pair.split("=", 1) for pair in pairs)


def matches(row: pd.Series, entry: str) -> bool:
    """Whether a row of a frame of `reports.load` is of this entry."""
    name, options = parse(entry)
    backend = options.pop("backend", "auto")
    same = bool(row["variant"] == name and row["backend"] == backend)
    return same and options.items() <= _options(row).items()


def with_options_of(frame: pd.DataFrame, entry: str) -> pd.DataFrame:
    """The rows of any variant that have no option of this entry's with another value."""
    wanted = {name: value for name, value in parse(entry)[1].items() if name != "backend"}
    options = [_options(row) for _, row in frame.iterrows()]
    return frame[
        [all(own.get(name, value) == value for name, value in wanted.items()) for own in options]
    ]


def _options(row: pd.Series) -> dict[str, str]:
    """A row's options and chunk size, as an entry writes them."""
    chunk = {} if pd.isna(row["chunk_size"]) else {"chunk_size": int(row["chunk_size"])}
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in (row["options"] | chunk).items()
    }
