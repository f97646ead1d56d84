"""Least squares for value = fixed + scale · T**exponent, for one curve or for many draws at once.

For a given exponent the model is linear in the fixed cost and the scale, so these are solved for
and only the exponent is searched: variable projection (Golub and Pereyra, "The Differentiation of
Pseudo-Inverses and Nonlinear Least Squares Problems Whose Variables Separate", SIAM J. Numer. Anal.
10, 1973). The search begins on a grid, so it does not end in a local minimum, and a thousand draws
take a few matrix products.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_EXPONENT = 4.0
PARAMETERS = 3
_GRID = np.linspace(0.0, MAX_EXPONENT, 81)
_PRECISION = 1e-3
"""Of the steps between exponents; the vertex of a parabola lies a thousandth of that off."""
_FLAT = 1e-300
_STEPS = 50
_Array = NDArray[np.float64]


def evaluate(parameters: _Array, seq_len: _Array) -> _Array:
    """The curves of parameters (..., 3) at lengths (L,): (..., L)."""
    fixed, scale, exponent = (parameters[..., i, None] for i in range(PARAMETERS))
    return np.asarray(fixed + scale * seq_len**exponent, dtype=np.float64)


def fit(seq_len: _Array, value: _Array, used: NDArray[np.bool_]) -> _Array:
    """Fixed cost, scale and exponent with the least sum of squares of log(value / fitted).

    The logarithm, because noise and drift are factors: a length that takes a thousand times as long
    counts as much as the others, and twice too much is as wrong as half. It is linearised around
    the fit so far, and that is repeated until the fit stays (Gauss-Newton).

    Fixed cost and scale are 0 or above, the exponent between 0 and `MAX_EXPONENT`.

    Args:
        seq_len, value: of one curve, (L,).
        used: which lengths each of the fits is to, (fits, L); at least three.

    Returns:
        Parameters, (fits, 3).
    """
    fitted = value[None]
    for _ in range(_STEPS):
        parameters = _refit(seq_len, used / fitted, used * (1 + np.log(value / fitted)))
        previous, fitted = fitted, evaluate(parameters, seq_len)
        if np.allclose(fitted[used], np.broadcast_to(previous, used.shape)[used], rtol=1e-6):
            break
    return parameters


def refit(parameters: _Array, seq_len: _Array, errors: _Array) -> _Array:
    """Parameters (draws, 3) fitted to curves that lie off a fit by `errors` (draws, L), as
    logarithms: one step of `fit`, from the fit they are draws around."""
    return _refit(seq_len, 1 / evaluate(parameters, seq_len)[None], 1 + errors)


def gradient(parameters: _Array, seq_len: _Array) -> _Array:
    """Derivatives of the logarithm of a curve of parameters (3,) by these: (L, 3), of one size."""
    _, scale, exponent = parameters
    fitted = evaluate(parameters, seq_len)
    power = scale * seq_len**exponent / fitted
    return np.column_stack([fitted.min() / fitted, power, power * np.log(seq_len)])


def _refit(seq_len: _Array, weight: _Array, target: _Array) -> _Array:
    """The best parameters for every target (draws, L)."""
    free = _search(seq_len, weight, target, True)
    # A fixed cost below 0 is not allowed: the best that is then lies at 0.
    return np.where(free[:, :1] >= 0, free, _search(seq_len, weight, target, False))


def _search(seq_len: _Array, weight: _Array, target: _Array, with_fixed: bool) -> _Array:
    """The best exponent on the grid, then between its points; with what belongs to it."""
    grid, step = _GRID[None], float(_GRID[1])
    while step > _PRECISION:
        _, _, explained = _solve(grid, seq_len, weight, target, with_fixed)
        exponent = _vertex(grid, step, explained)
        step /= 5
        grid = np.clip(exponent + step * np.arange(-1, 2), 0, MAX_EXPONENT)
    fixed, scale, _ = _solve(exponent, seq_len, weight, target, with_fixed)
    return np.concatenate([fixed, scale, exponent], axis=1)


def _vertex(grid: _Array, step: float, explained: _Array) -> _Array:
    """Where the parabola through the best exponent and its two neighbours is highest: (draws, 1).

    Args:
        grid: exponents `step` apart, (draws, G) or (1, G).
        explained: of every exponent, (draws, G).
    """
    best = np.clip(np.argmax(explained, axis=1), 1, grid.shape[1] - 2)[:, None]
    left, middle, right = (np.take_along_axis(explained, best + i, axis=1) for i in (-1, 0, 1))
    # Not bent downwards: it then rises to one side, and the vertex is far off there.
    bend = np.minimum(left - 2 * middle + right, -_FLAT)
    shift = np.clip((left - right) / (2 * bend), -1, 1)
    centre = np.take_along_axis(np.broadcast_to(grid, explained.shape), best, axis=1)
    return np.asarray(np.clip(centre + step * shift, 0, MAX_EXPONENT), dtype=np.float64)


def _solve(
    exponent: _Array, seq_len: _Array, weight: _Array, target: _Array, with_fixed: bool
) -> tuple[_Array, _Array, _Array]:
    """The best fixed cost and scale for given exponents.

    Args:
        exponent: (draws, G), or (1, G) for the same in all draws.
        seq_len: (L,).
        weight: 1 / fitted, which makes errors relative, or 0; (draws, L), or (1, L) for all.
        target: what the weighted model should give, (draws, L).
        with_fixed: the fixed cost is free and may be below 0; else it is 0.

    Returns:
        Fixed cost, scale, and what they explain of the target's sum of squares, (draws, G) each.
    """
    unit = float(np.exp(np.mean(np.log(seq_len))))
    power = (seq_len / unit) ** exponent[..., None] * weight[:, None]
    size = np.sqrt(np.sum(power**2, axis=-1))
    power /= size[..., None]
    by_power = (power @ target[..., None])[..., 0]
    if not with_fixed:
        return np.zeros_like(by_power), by_power / size * unit**-exponent, by_power**2

    along = (power @ weight[..., None])[..., 0]
    rest = weight[:, None] - along[..., None] * power
    height = np.sqrt(np.sum(rest**2, axis=-1))
    # Of an exponent near 0 the power is constant, too: then the fixed cost is left at 0.
    height = np.where(
        height > 1e-6 * np.linalg.norm(weight, axis=-1, keepdims=True), height, np.inf
    )
    by_rest = ((rest / height[..., None]) @ target[..., None])[..., 0]
    fixed = by_rest / height
    scale = (by_power - fixed * along) / size
    # A power that falls is not allowed. Exponent 0, a constant, is then the best.
    explained = np.where(scale > 0, by_power**2 + by_rest**2, 0.0)
    return fixed, scale * unit**-exponent, explained
