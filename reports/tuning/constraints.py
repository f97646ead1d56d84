"""What a chunk size must keep to, however fast it is: memory, distance to full, some quality.

Memory is the workspace of one call: its peak above what was resident before. Inputs and parameters
are not counted, for no chunk size changes them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np
import pandas as pd

from reports import units
from reports.race import Contender

ANY_LENGTH = 0
"""In place of a length: the figure holds at every length that has none of its own."""
EXPECTED = "a CSV file with the columns chunk_size, quality and, if it matters, seq_len"
_OPTIONAL = "seq_len"
_REQUIRED = ("chunk_size", "quality")

Quality = Mapping[tuple[int, int], float]
"""By length (or `ANY_LENGTH`) and chunk size."""


class QualityError(ValueError):
    """A file that holds no figures of quality."""


@dataclass(frozen=True)
class Miss:
    """A constraint that is not met."""

    reason: str
    """Which, and by how much, in words."""
    share: float | None
    """By which share of the limit the figure is beyond it; None where there is no such number."""


@dataclass(frozen=True)
class Constraints:
    """The limits that a user gave; None or nothing where none was."""

    max_memory_bytes: int | None = None
    max_distance: float | None = None
    quality: Quality = field(default_factory=dict)
    min_quality: float | None = None
    max_quality: float | None = None
    """For a figure that is the better the lower, such as a loss."""

    def miss(
        self,
        chunk_size: int,
        seq_len: int,
        workspace_bytes: int | None,
        distance: float | None,
    ) -> Miss | None:
        """The constraint that a chunk size misses by most; None if it meets all.

        Args:
            workspace_bytes: None: it could not be counted, so that no limit is known to be met.
            distance: to full attention; None: there is none, likewise.
        """
        found = [
            _over("workspace", workspace_bytes, self.max_memory_bytes, units.size),
            _over("distance to full", distance, self.max_distance, units.distance),
            *self._quality(chunk_size, seq_len),
        ]
        misses = [miss for miss in found if miss is not None]
        # One that is no number is the farthest off: nothing says that it is near.
        return max(misses, key=_far, default=None)

    def _quality(self, chunk_size: int, seq_len: int) -> list[Miss | None]:
        at_any = self.quality.get((ANY_LENGTH, chunk_size))
        value = self.quality.get((seq_len, chunk_size), at_any)
        return [
            _over("quality", value, self.max_quality, "{:g}".format),
            _over("quality", value, self.min_quality, "{:g}".format, sign=-1),
        ]


def nearest_miss(contenders: Sequence[Contender]) -> str:
    """Which of those that a constraint excluded came nearest, as a sentence; empty without any."""
    excluded = [contender for contender in contenders if contender.outcome == "excluded"]
    if not excluded:
        return ""
    nearest = min(excluded, key=lambda one: inf if one.miss is None else one.miss)
    return f"The nearest miss is n = {nearest.chunk_size}: {nearest.reason}."


def read_quality(path: str | os.PathLike[str]) -> Quality:
    """Figures of quality that a user measured, such as a validation loss, by chunk size.

    Args:
        path: CSV with the columns `chunk_size`, `quality` and, where it differs by length,
            `seq_len`.

    Raises:
        QualityError: it cannot be read, a column is missing or unknown, a chunk size or length is
            no whole number above 0, a quality is no number, or a line is given twice.
    """
    try:
        table = pd.read_csv(path, skipinitialspace=True)
    except (OSError, ValueError) as error:  # pandas' own errors of parsing are ValueErrors
        raise QualityError(f"{path}: cannot be read ({error}); give {EXPECTED}") from error
    table.columns = table.columns.str.strip()
    missing = [name for name in _REQUIRED if name not in table]
    unknown = [name for name in table if name not in (*_REQUIRED, _OPTIONAL)]
    if missing or unknown or table.empty:
        has = f"its columns are {', '.join(table)}" if missing or unknown else "it has no lines"
        raise QualityError(f"{path}: {has}; give {EXPECTED}")
    table = table.assign(**{_OPTIONAL: table.get(_OPTIONAL, ANY_LENGTH)})
    numbers = table.apply(pd.to_numeric, errors="coerce")
    whole = numbers[[_OPTIONAL, "chunk_size"]]
    is_bad = ~np.isfinite(numbers).all(axis=1) | (whole % 1 != 0).any(axis=1)
    is_bad |= (numbers["chunk_size"] < 1) | (numbers[_OPTIONAL] < 0)
    if is_bad.any():
        line = int(np.flatnonzero(is_bad)[0])
        raise QualityError(
            f"{path}: line {line + 2} is {', '.join(map(str, table.iloc[line]))}; chunk sizes and "
            "lengths are whole numbers above 0, and a quality is a number"
        )
    keys = list(zip(whole[_OPTIONAL].astype(int), whole["chunk_size"].astype(int), strict=True))
    if len(set(keys)) < len(keys):
        again = next(key for i, key in enumerate(keys) if key in keys[:i])
        at = "" if again[0] == ANY_LENGTH else f" at T = {again[0]}"
        raise QualityError(f"{path}: chunk size {again[1]}{at} is in it twice; leave one")
    return {
        (int(T), int(n)): float(quality)
        for (T, n), quality in zip(keys, numbers["quality"], strict=True)
    }


def _over(
    name: str,
    value: float | None,
    limit: float | None,
    text: Callable[[float], str],
    sign: int = 1,
) -> Miss | None:
    """Whether a value is beyond a limit: above it, or below it with a sign of -1."""
    if limit is None:
        return None
    bound = f"it may have at {'most' if sign > 0 else 'least'}"
    if value is None:
        return Miss(f"its {name} is not known, and {text(limit)} is what {bound}", None)
    beyond = sign * (value - limit)
    if beyond <= 0:
        return None
    share = beyond / abs(limit) if limit else None
    side = "above" if sign > 0 else "below"
    much = side if share is None else f"{units.percent(share)} {side}"
    return Miss(f"its {name} is {text(value)}, {much} the {text(limit)} that {bound}", share)


def _far(miss: Miss) -> float:
    return inf if miss.share is None else miss.share
