"""How far extrapolation can be trusted: the longest third of every curve hidden, and predicted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from reports import settings, units
from reports.models.crossovers import named
from reports.models.curves import Curve, curves
from reports.models.extrapolation import Prediction, predict
from reports.models.growth import Unfit

SHOWN = 2 / 3
"""Share of a curve's lengths, the shortest, that the models see."""

HEADERS = ("attention", "at T", "measured", "predicted", "held")


@dataclass(frozen=True)
class Held:
    """One hidden latency and what was predicted for it."""

    curve: Curve
    seq_len: int
    value: float
    """What was measured, ms."""
    found: Prediction | Unfit

    @property
    def is_inside(self) -> bool:
        """The interval holds what was measured."""
        return (
            isinstance(self.found, Prediction) and self.found.low <= self.value <= self.found.high
        )


def hold_out(frame: pd.DataFrame) -> list[Held]:
    """Predict the longest third of the lengths of every curve of one chunk size from the others.

    The hidden points of one length share the machine's drift: a share of intervals that hold is
    of fewer independent trials than there are points.

    Args:
        frame: of `reports.load`; settings may be several.
    """
    every = (curve for each in settings.split(frame) for curve in curves(each.frame))
    return [held for curve in every for held in _of_curve(curve)]


def hold_out_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Every hidden latency beside its prediction, as text, and a last line that counts."""
    found = hold_out(frame)
    lines = [_line(held) for held in found]
    predicted = [held for held in found if isinstance(held.found, Prediction)]
    if predicted:
        off = [abs(np.log(held.value / held.found.value)) for held in predicted]  # type: ignore[union-attr]
        inside = sum(held.is_inside for held in predicted)
        median = units.percent(float(np.expm1(np.median(off))))
        told = f"{inside} of {len(predicted)} inside; off by {median} in the median"
        lines.append(dict.fromkeys(HEADERS, "") | {"attention": "all", "predicted": told})
    return pd.DataFrame(lines, columns=list(HEADERS))


def _of_curve(curve: Curve) -> Iterator[Held]:
    shown = round(len(curve.value) * SHOWN)
    names = ("seq_len", "value", "rows", "samples", "visits", "rounds", "refined")
    start = replace(curve, **{name: getattr(curve, name)[:shown] for name in names})
    for seq_len, value in zip(curve.seq_len[shown:], curve.value[shown:], strict=True):
        yield Held(curve, int(seq_len), float(value), predict(start, float(seq_len)))


def _line(held: Held) -> dict[str, str]:
    found = held.found
    words, is_held = "–", "–"
    if isinstance(found, Prediction):
        words = units.measured(found.value, found.low, found.high)
        is_held = "yes" if held.is_inside else "no"
    return {
        "attention": named(held.curve.label, held.curve.chunk),
        "at T": units.tokens(held.seq_len),
        "measured": units.duration(held.value),
        "predicted": words,
        "held": is_held,
    }
