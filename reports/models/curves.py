"""One label's latency or workspace over T, as the arrays that models are fitted to."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports import compare, settings
from reports.schema import Status

Quantity = Literal["latency", "workspace"]
"""`latency`: the median in milliseconds. `workspace`: bytes."""
BEST: Final = "best"
"""The chunk size of a curve through the fastest chunk size of every length."""
Chunk = int | Literal["best"] | None
"""None: a variant without chunk sizes."""

_NEEDED = (
    "label",
    "variant",
    "seq_len",
    "chunk_size",
    "status",
    "predicted",
    "refined",
    "latency_ms",
    "workspace_bytes",
    "samples_ms",
    "visits",
    "rounds",
)
_COLUMNS = {"latency": "latency_ms", "workspace": "workspace_bytes"}


@dataclass(frozen=True, eq=False)
class Curve:
    """What one label took at each length, at one chunk size or at the fastest of every length."""

    label: str
    variant: str
    chunk: Chunk
    quantity: Quantity
    seq_len: NDArray[np.float64]
    """The lengths that have a value, ascending and distinct."""
    value: NDArray[np.float64]
    """Median latency in milliseconds or workspace in bytes, above 0; one a length."""
    rows: tuple[Hashable, ...]
    """The frame's index label of the row behind each value."""
    samples: tuple[NDArray[np.float64], ...]
    """The raw samples of each length, ms. Empty arrays for the workspace: it is counted, not
    sampled."""
    visits: tuple[tuple[int, ...], ...]
    """Of each length, how many samples each visit took, in order."""
    rounds: tuple[tuple[int, ...], ...]
    """Of each length, when the round of each visit began, ms since 1970."""
    censored: tuple[int, ...] = ()
    """Lengths that were tried and ran out of memory, ascending: the value there is not known, but
    that it is too large is. A point that was only predicted to run out is no observation."""

    refined: tuple[bool, ...] = ()
    """Of each length, whether a refinement added it; empty where none did."""

    def planned(self) -> Curve:
        """Without the lengths that a refinement added: they lie close together and were measured
        one after another, so they share a drift that the others do not, and would count as many
        independent ones."""
        if not any(self.refined):
            return self
        kept = [i for i, is_refined in enumerate(self.refined) if not is_refined]
        return replace(
            self,
            seq_len=self.seq_len[kept],
            value=self.value[kept],
            rows=tuple(self.rows[i] for i in kept),
            samples=tuple(self.samples[i] for i in kept),
            visits=tuple(self.visits[i] for i in kept),
            rounds=tuple(self.rounds[i] for i in kept),
            refined=(),
        )

    # Charts, tables and sentences fit the same curves: by their content, a fit is looked up again.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Curve) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

    @cached_property
    def _content(self) -> tuple[Hashable, ...]:
        arrays = (self.seq_len, self.value, *self.samples)
        names = (self.label, self.variant, self.chunk, self.quantity)
        parts = (self.rows, self.visits, self.rounds, self.censored, self.refined)
        return (*names, *parts, *(array.tobytes() for array in arrays))


def curves(
    frame: pd.DataFrame, quantity: Quantity = "latency", chunk: Literal["each", "best"] = "each"
) -> list[Curve]:
    """The curves of one setting, in the order of its labels, smaller chunk sizes first.

    Only points that are ok count, as in `reports.compare.fastest`; where two devices of one model
    share a run, the faster one's. A label without one such point has no curve.

    Args:
        frame: rows of one setting (`reports.settings.split`).
        quantity: what the curves are of.
        chunk: `each`: a curve for every chunk size. `best`: one a label, through the chunk size
            with the lowest latency at every length, of whichever quantity.

    Raises:
        ValueError: the frame holds more than one setting.
    """
    settings.require_one(frame)
    # Of eighty columns, those that are read: every part of a frame copies what it has.
    needed = frame[list(_NEEDED)]
    return [
        found
        for rows, size in _groups(needed, chunk)
        if (found := _curve(rows, size, quantity)) is not None
    ]


def _groups(frame: pd.DataFrame, chunk: str) -> Iterator[tuple[pd.DataFrame, Chunk]]:
    """The rows of every curve and its chunk size."""
    for _, of_label in frame.groupby("label", sort=False):
        sizes = sorted(of_label["chunk_size"].dropna().unique())
        if not sizes:
            yield of_label, None
        elif chunk == BEST:
            yield of_label, BEST
        else:
            yield from ((of_label[of_label["chunk_size"] == size], int(size)) for size in sizes)


def _curve(rows: pd.DataFrame, chunk: Chunk, quantity: Quantity) -> Curve | None:
    # Not positive: a clock too coarse to see the call, or a call that takes no memory. Neither has
    # a logarithm, and neither says how it grows.
    points = compare.fastest(rows)
    points = points[points[_COLUMNS[quantity]].gt(0).fillna(False).astype(bool)]
    if points.empty:
        return None
    latency = quantity == "latency"
    first = points.iloc[0]
    return Curve(
        label=str(first["label"]),
        variant=str(first["variant"]),
        chunk=chunk,
        quantity=quantity,
        seq_len=points["seq_len"].to_numpy(np.float64),
        value=points[_COLUMNS[quantity]].to_numpy(np.float64),
        rows=tuple(points.index),
        samples=tuple(np.asarray(ms if latency else [], float) for ms in points["samples_ms"]),
        visits=tuple(tuple(counts) if latency else () for counts in points["visits"]),
        rounds=tuple(tuple(when) if latency else () for when in points["rounds"]),
        censored=_censored(rows),
        refined=tuple(points["refined"]) if points["refined"].any() else (),
    )


def _censored(rows: pd.DataFrame) -> tuple[int, ...]:
    """Lengths at which all that was tried ran out of memory.

    With several chunk sizes all of them: while one did not, the best of the length may have fitted.
    """
    untried = rows["predicted"] | rows["status"].isin([Status.LEFT_OUT, Status.UNSUPPORTED])
    tried = rows[~untried]
    out = (tried["status"] == Status.OUT_OF_MEMORY).groupby(tried["seq_len"]).all()
    return tuple(int(length) for length in out.index[out])
