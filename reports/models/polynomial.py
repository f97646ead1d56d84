"""Least squares for value = a + b·T + c·T² with coefficients of 0 or above."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

TERMS = 3
_STEPS = 50
_Array = NDArray[np.float64]


def evaluate(coefficients: _Array, seq_len: _Array) -> _Array:
    """The curves of coefficients (..., 3) at lengths (L,): (..., L)."""
    a, b, c = (coefficients[..., i, None] for i in range(TERMS))
    return np.asarray(a + seq_len * (b + seq_len * c), dtype=np.float64)


def fit(seq_len: _Array, value: _Array) -> _Array:
    """Coefficients (3,) with the least sum of squares of log(value / fitted).

    Linearised around the fit so far until the fit stays, as in `reports.models.power_law`; each
    step by non-negative least squares (Lawson and Hanson, "Solving Least Squares Problems", 1974).
    """
    fitted = value
    for _ in range(_STEPS):
        coefficients = _solve(seq_len, fitted, 1 + np.log(value / fitted))
        previous, fitted = fitted, evaluate(coefficients, seq_len)
        if np.allclose(fitted, previous, rtol=1e-9, atol=0.0):
            break
    return coefficients


def refit(coefficients: _Array, seq_len: _Array, errors: _Array) -> _Array:
    """Coefficients (draws, 3) fitted to curves that lie off a fit by `errors` (draws, L), as
    logarithms: one step of `fit`, from the fit they are draws around."""
    fitted = evaluate(coefficients, seq_len)
    return np.array([_solve(seq_len, fitted, 1 + error) for error in errors])


def gradient(coefficients: _Array, seq_len: _Array) -> _Array:
    """Derivatives of the logarithm of a curve by its coefficients (3,), of one size: (L, 3)."""
    columns = _powers(seq_len) / evaluate(coefficients, seq_len)
    return np.asarray((columns / columns.max(axis=1, keepdims=True)).T, dtype=np.float64)


def _powers(seq_len: _Array) -> _Array:
    return np.stack([seq_len**power for power in range(TERMS)])


def _solve(seq_len: _Array, fitted: _Array, target: _Array) -> _Array:
    columns = _powers(seq_len) / fitted
    # Columns of one size: nnls ends by an absolute tolerance.
    sizes = np.linalg.norm(columns, axis=1)
    found, _ = nnls((columns / sizes[:, None]).T, target)
    return np.asarray(found / sizes, dtype=np.float64)
