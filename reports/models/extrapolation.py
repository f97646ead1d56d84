"""What a length that was not run would take, and the longest that fits a device's memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports import units
from reports.models import polynomial, power_law, scatter
from reports.models.curves import Curve
from reports.models.growth import SEED, Unfit, growth
from reports.models.resampling import TAILS, log_deviations

_Array = NDArray[np.float64]
FARTHEST = 16
"""Times the longest length that ran, up to which a workspace is extrapolated: how a library
allocates may change beyond, and the measured lengths cannot know."""
FURTHEST = 4
"""Times the longest length that ran, up to which one measurement is predicted: simulated, a curve
that is no sum of powers (T·log T) is no longer held at eight times."""
_FAR = 2.0**50
"""Tokens; a length beyond is as good as none."""
_HALVINGS = 60


@dataclass(frozen=True)
class Prediction:
    """What a measurement at one length would give."""

    seq_len: float
    value: float
    low: float
    high: float
    """Ends of the 95% prediction interval, in the curve's unit."""


@dataclass(frozen=True)
class Longest:
    """The longest sequence that fits the memory of a device, in tokens."""

    seq_len: int
    low: int
    high: int | None
    """Ends of its 95% interval; `low` is at least the longest that ran, `high` below the shortest
    that ran out of memory, and None where that is beyond what is extrapolated to: then `low` fits,
    and how much more does is not said."""


def predict(curve: Curve, seq_len: float) -> Prediction | Unfit:
    """Predict one new measurement at a length.

    Beyond the measured lengths a curve can bend, and the fit cannot know: a sum of terms looks like
    one power over a short range. So two models that fit speak: fixed + scale · T**exponent, and
    a + b·T + c·T² with no negative coefficient. The interval holds the draws of both alike
    (a mixture with equal weights, since the measured range does not tell them apart: Clemen,
    "Combining forecasts", Int. J. Forecasting 5, 1989), each with the drift and the sampling error
    of a new measurement, so it widens as they part. The value is their geometric mean.

    How often that holds for a real run whose longest third is hidden, `reports.models.hold_out`
    says, and docs/scaling.md for the run there.
    """
    if out := [length for length in curve.censored if length <= seq_len]:
        return Unfit(f"T = {units.tokens(min(out))} ran out of memory")
    longest = float(curve.seq_len[-1])
    if seq_len > FURTHEST * longest:
        return Unfit(
            f"T = {seq_len:,.0f} is more than {FURTHEST} times the longest measured, {longest:,.0f}"
        )
    models = _models(curve)
    if isinstance(models, Unfit):
        return models
    at = np.array([float(seq_len)])
    value = np.exp(np.mean([np.log(model.evaluate(model.parameters, at)) for model in models]))
    drawn = np.concatenate([model.measured(at) for model in models])
    low, high = np.percentile(drawn, TAILS)
    return Prediction(float(seq_len), float(value), float(low), float(high))


def longest_that_fits(
    curve: Curve, resident: Callable[[_Array], _Array], capacity: float
) -> Longest | Unfit:
    """The longest sequence whose resident memory and workspace together fit.

    The draws are those of `predict`. Lengths that ran out of memory have no workspace, but say that
    it is larger than what was left: censored observations (Tobin, "Estimation of Relationships for
    Limited Dependent Variables", Econometrica 26, 1958). Their likelihood in a draw is 0 or 1, so
    draws in which such a length fits are left out. Where that leaves none, only what ran and what
    did not is known. A length that ran out of memory although a longer one ran bounds nothing.

    Args:
        curve: of the workspace.
        resident: bytes that are resident before the call, of lengths (L,): see `resident_bytes`.
        capacity: bytes that the device has.
    """
    if curve.quantity != "workspace":
        raise ValueError(
            f"this is a curve of the {curve.quantity}; give one of the workspace: "
            'curves(frame, "workspace")'
        )
    models = _models(curve)
    if isinstance(models, Unfit):
        return models
    ran = int(curve.seq_len[-1])
    too_long = min((length for length in curve.censored if length > ran), default=None)
    ends = np.concatenate([_reach(model, resident, capacity) for model in models])
    ends = np.maximum(ends, ran)
    if too_long is None:
        ends = np.minimum(ends, FARTHEST * ran)
    else:
        ends = ends[ends < too_long]
        if not len(ends):
            return Longest(ran, ran, too_long - 1)
    low, middle, high = np.percentile(ends, (TAILS[0], 50, TAILS[1]))
    is_beyond = too_long is None and high >= FARTHEST * ran
    return Longest(int(middle), int(low), None if is_beyond else int(high))


def resident_bytes(rows: pd.DataFrame) -> Callable[[_Array], _Array]:
    """Inputs and parameters of a label at any length: inputs grow with T, parameters do not.

    Args:
        rows: rows of one setting and label, with a length that is ok.
    """
    known = rows.dropna(subset=["input_bytes", "parameter_bytes"])
    last = known.loc[known["seq_len"].idxmax()]
    per_token, parameters = last["input_bytes"] / last["seq_len"], float(last["parameter_bytes"])
    return lambda seq_len: per_token * seq_len + parameters


@dataclass(frozen=True)
class _Model:
    """One of the models that fit a curve."""

    evaluate: Callable[[_Array, _Array], _Array]
    parameters: _Array
    """Of the fit, (3,)."""
    draws: _Array
    """Draws of them, (draws, 3)."""
    noise: _Array
    """Of each draw, how far a new measurement lies off its curve, as a logarithm, (draws,)."""

    def measured(self, seq_len: _Array) -> _Array:
        """New measurements, one a draw, at one length (1,) or at one a draw (draws, 1)."""
        return np.asarray(self.evaluate(self.draws, seq_len)[:, 0] * np.exp(self.noise))


def _models(curve: Curve) -> list[_Model] | Unfit:
    """Both models of the part that `growth` fits, with draws of their own."""
    curve = curve.planned()
    grown = growth(curve)
    if isinstance(grown, Unfit):
        return grown
    first = int(np.searchsorted(curve.seq_len, grown.since))
    lengths, values = curve.seq_len[first:], curve.value[first:]
    rng = np.random.default_rng(SEED)
    deviations = log_deviations(curve.samples[first:], curve.visits[first:], rng)
    parameters = np.array([grown.fixed, grown.scale, grown.exponent])
    fits = [(power_law, parameters), (polynomial, polynomial.fit(lengths, values))]
    found = []
    for model, best in fits:
        residuals = np.log(values / model.evaluate(best, lengths))
        kept = scatter.kept(model.gradient(best, lengths))
        errors, between = scatter.errors(residuals, kept, deviations, rng)
        # A new measurement has the sampling error of the longest length, drawn independently.
        new = rng.permutation(deviations[:, -1]) + between * rng.standard_normal(len(between))
        found.append(_Model(model.evaluate, best, model.refit(best, lengths, errors), new))
    return found


def _reach(model: _Model, resident: Callable[[_Array], _Array], capacity: float) -> _Array:
    """The longest length that fits in every draw, by bisection, (draws,)."""
    fits, not_any_more = np.zeros(len(model.draws)), np.full(len(model.draws), np.log2(_FAR))
    for _ in range(_HALVINGS):
        middle = (fits + not_any_more) / 2
        lengths = 2.0**middle
        enough = model.measured(lengths[:, None]) + resident(lengths) <= capacity
        fits, not_any_more = np.where(enough, middle, fits), np.where(enough, not_any_more, middle)
    return np.asarray(2.0**fits, dtype=np.float64)
