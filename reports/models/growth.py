"""How a curve grows with T: value = fixed + scale · T**exponent, fitted where it is asymptotic."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import fdtrc

from reports import units
from reports.models import power_law, scatter
from reports.models.curves import Curve
from reports.models.resampling import TAILS, log_deviations

MIN_LENGTHS = power_law.PARAMETERS + 2
"""For a growth: with fewer, the residuals have less than two degrees of freedom."""
MAX_ERROR = 0.15
"""Root mean square of log(measured / fitted) that is still a fit; and the largest fall, relative,
that is still growth. Lengths are measured at different times, and a shared machine's speed can
drift by this much between them."""
MAX_WIDTH = 2.0
"""Of an exponent's interval that still says something: 2 is from linear to cubic."""
OFF = 0.01
"""How unlikely the shortest lengths must be on the curve of the longer ones to be left out."""
_EXACT = 1e-10
SEED = 20190604

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Growth:
    """The fitted curve fixed + scale · T**exponent of one `Curve`."""

    exponent: float
    low: float
    high: float
    """Ends of the exponent's 95% interval."""
    fixed: float
    """What every call takes, however short: the launch of its kernels, in the curve's unit."""
    scale: float
    since: int
    until: int
    """The shortest and the longest length that were fitted: the asymptotic part."""
    error: float
    """Root mean square of log(measured / fitted) over these lengths."""
    draws: _Array
    """Bootstrap draws of fixed, scale and exponent, (draws, 3)."""
    between: _Array
    """Of each draw, the standard deviation between lengths beyond sampling, relative, (draws,)."""

    def at(self, seq_len: ArrayLike) -> _Array:
        """The fitted curve at these lengths, in the curve's unit."""
        return power_law.evaluate(self._parameters, np.atleast_1d(np.asarray(seq_len, float)))

    def band(self, seq_len: ArrayLike) -> tuple[_Array, _Array]:
        """Lower and upper ends of the curve's 95% interval at each of these lengths."""
        lengths = np.atleast_1d(np.asarray(seq_len, float))
        low, high = np.percentile(power_law.evaluate(self.draws, lengths), TAILS, axis=0)
        return low, high

    def slope_at(self, seq_len: ArrayLike) -> _Array:
        """The local exponent d log(value) / d log(T): less than `exponent` by the fixed share."""
        lengths = np.atleast_1d(np.asarray(seq_len, float))
        return np.asarray(self.exponent * (1 - self.fixed / self.at(lengths)), dtype=np.float64)

    @property
    def _parameters(self) -> _Array:
        return np.array([self.fixed, self.scale, self.exponent])


@dataclass(frozen=True)
class Unfit:
    """No model fits."""

    reason: str
    """A sentence without its full stop, for people."""


def growth(curve: Curve) -> Growth | Unfit:
    """Fit a curve's growth with T.

    The shortest lengths are left out where they do not lie on the curve of the longer ones, so that
    terms that vanish do not bend the exponent: as many as make the chance lowest, if it is below
    `OFF`, that errors alone put them so far off (the F test of Chow, "Tests of Equality Between
    Sets of Coefficients in Two Linear Regressions", Econometrica 28, 1960, for new observations).
    All are tried, and not one by one: two that are off alike hide each other. `MIN_LENGTHS` always
    remain.

    The interval is the percentiles of the exponents of bootstrap draws around the fit, each with
    the sampling error of a draw of the raw samples and a drift between lengths; see
    `reports.models.scatter.errors`. Simulated (400 curves each; 8 lengths, 5 visits of 4 samples,
    exponent 1.5, fixed cost 30% of the shortest), it held the exponent in 98% without drift, in 94%
    and 95% with one of 5% and 10% between lengths; 5 lengths without drift make it too wide (99%).
    A drift that persists from one length to the next cannot be told from growth: with 5% and a
    correlation of neighbours of 0.5 it is held in 81%, of 0.8 in 70% (10 lengths, 400 curves each).
    That the samples also picked the fastest chunk size of a `best` curve is not part of it. The
    same curve always gives the same draws, and is fitted once.

    The exponent is that of the lengths fitted: the sum of a linear and a quadratic term, of one
    size among them, has one between 1 and 2.
    """
    return _growth(curve.planned())


@lru_cache(maxsize=1024)  # charts, tables and sentences all ask for the same few curves
def _growth(curve: Curve) -> Growth | Unfit:
    lengths, values = curve.seq_len, curve.value
    if len(lengths) < MIN_LENGTHS:
        return Unfit(
            f"{_count(len(lengths))} too few for a growth of {power_law.PARAMETERS} parameters; "
            f"{MIN_LENGTHS} are needed"
        )
    first, parameters = _asymptotic(lengths, values)
    lengths, values = lengths[first:], values[first:]
    residuals = np.log(values / power_law.evaluate(parameters, lengths))
    error = float(np.sqrt(np.mean(residuals**2)))
    if bad := _fall(curve, lengths, values) or _miss(error):
        return Unfit(bad)
    rng = np.random.default_rng(SEED)
    deviations = log_deviations(curve.samples[first:], curve.visits[first:], rng)
    kept = scatter.kept(power_law.gradient(parameters, lengths))
    errors, between = scatter.errors(residuals, kept, deviations, rng)
    draws = power_law.refit(parameters, lengths, errors)
    low, high = np.percentile(draws[:, 2], TAILS)
    if high - low > MAX_WIDTH:
        return Unfit(
            f"the exponent could be anything from {low:.1f} to {high:.1f}: the lengths are too "
            "few, too close or too noisy to tell"
        )
    fixed, scale, exponent = parameters.tolist()
    return Growth(
        exponent=exponent,
        # Draws of an exact fit lie a rounding off it.
        low=min(float(low), exponent),
        high=max(float(high), exponent),
        fixed=fixed,
        scale=scale,
        since=int(lengths[0]),
        until=int(lengths[-1]),
        error=error,
        draws=draws,
        between=between,
    )


def _asymptotic(lengths: _Array, values: _Array) -> tuple[int, _Array]:
    """Where the asymptotic part begins, and its parameters."""
    starts = np.arange(len(lengths) - MIN_LENGTHS + 1)
    used = np.arange(len(lengths)) >= starts[:, None]
    parameters = power_law.fit(lengths, values, used)
    miss = np.log(values / power_law.evaluate(parameters, lengths))
    # Below: a fit that is exact but for rounding, of which rounding is no departure.
    squares = np.maximum(np.sum(miss**2, axis=1, where=used), _EXACT)
    freedom = len(lengths) - starts - power_law.PARAMETERS
    ratios = (squares[0] / squares[1:] - 1) * freedom[1:] / starts[1:]
    chances = fdtrc(starts[1:], freedom[1:], np.maximum(ratios, 0.0))
    first = 1 + int(np.argmin(chances)) if chances.min(initial=1.0) < OFF else 0
    return first, parameters[first]


def _fall(curve: Curve, lengths: _Array, values: _Array) -> str:
    """The largest fall, in words, where it is too large for growth."""
    before = np.maximum.accumulate(values)
    at = int(np.argmin(values / before))
    if values[at] >= (1 - MAX_ERROR) * before[at]:
        return ""
    top = int(np.argmax(values[:at]))
    in_words = units.duration if curve.quantity == "latency" else units.size
    return (
        f"the {curve.quantity} falls from {in_words(values[top])} at T = "
        f"{units.tokens(int(lengths[top]))} to {in_words(values[at])} at "
        f"{units.tokens(int(lengths[at]))}"
    )


def _miss(error: float) -> str:
    if error <= MAX_ERROR:
        return ""
    return (
        f"the fit misses the measured values by {units.percent(error)} (root mean square); up to "
        f"{units.percent(MAX_ERROR)} would be drift"
    )


def _count(lengths: int) -> str:
    return "1 length is" if lengths == 1 else f"{lengths} lengths are"
