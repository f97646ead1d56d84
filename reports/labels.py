"""The name of a curve: no longer than it takes to tell the curves of a frame apart."""

from __future__ import annotations

import pandas as pd


def labels(frame: pd.DataFrame) -> pd.Series:
    """Name the curve of every row.

    The variant, then those of its options that differ between its rows, then the backend used if
    it ran on more than one.

    Args:
        frame: with the columns variant, options, backend and backend_used.

    Returns:
        A string Series with the frame's index.
    """
    named = pd.Series("", index=frame.index, dtype="string")
    for variant, rows in frame.groupby("variant"):
        names = _differing_options(rows)
        backends = _backends(rows)
        show_backend = backends[backends != ""].nunique() > 1
        named[rows.index] = [
            " · ".join(
                [
                    str(variant),
                    *(f"{name}={options[name]}" for name in names if name in options),
                    *([backend] if show_backend and backend else []),
                ]
            )
            for options, backend in zip(rows["options"], backends, strict=True)
        ]
    return named


def _differing_options(rows: pd.DataFrame) -> list[str]:
    """Names of the options with several values, or present and absent, among one variant's rows."""
    # Most rows have the same options: each different set of them is looked at once.
    found = {repr(options): options for options in rows["options"]}.values()
    names = sorted({name for options in found for name in options})
    return [name for name in names if len({repr(options.get(name)) for options in found}) > 1]


def _backends(rows: pd.DataFrame) -> pd.Series:
    """Backend of each row; `(auto)` after it where the same one was also asked for by name.

    Empty where `auto` found none.
    """
    used = rows["backend_used"].where(
        rows["backend_used"] != "", rows["backend"].where(rows["backend"] != "auto", "")
    )
    asked = rows["backend"].groupby(used).transform("nunique")
    return used.where((asked < 2) | (rows["backend"] != "auto") | (used == ""), used + " (auto)")
