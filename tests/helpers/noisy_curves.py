"""Curves with a known answer, measured on a machine that is as noisy as told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reports.models.curves import Curve, Quantity

VISITS = 5
SAMPLES = 4
"""Of each visit."""


def make_curve(
    seq_len: Sequence[int], value: Sequence[float] | NDArray[np.float64], **changes: object
) -> Curve:
    """A curve of exact values: a workspace, or a latency by `changes`."""
    lengths = np.asarray(seq_len, dtype=np.float64)
    none = ((),) * len(lengths)
    fields: dict[str, object] = {
        "label": "some",
        "variant": "some",
        "chunk": None,
        "quantity": "workspace",
        "seq_len": lengths,
        "value": np.asarray(value, dtype=np.float64),
        "rows": tuple(range(len(lengths))),
        "samples": (np.array([]),) * len(lengths),
        "visits": none,
        "rounds": none,
    }
    return Curve(**fields | changes)  # type: ignore[arg-type]


def measure(
    rng: np.random.Generator,
    seq_len: Sequence[int],
    true: NDArray[np.float64],
    *,
    drift: float = 0.0,
    visit: float = 0.03,
    noise: float = 0.05,
) -> Curve:
    """A latency curve whose samples scatter around the true values, all by lognormal factors.

    Args:
        drift: standard deviation of a factor that all samples of a length share.
        visit: of one that the samples of a visit share.
        noise: of every sample's own.
    """
    quantity: Quantity = "latency"
    shape = (len(true), VISITS, SAMPLES)
    logs = (
        np.log(true)[:, None, None]
        + rng.normal(0, drift, (len(true), 1, 1))
        + rng.normal(0, visit, shape[:2])[:, :, None]
        + rng.normal(0, noise, shape)
    )
    samples = np.exp(logs).reshape(len(true), -1)
    return make_curve(
        seq_len,
        np.median(samples, axis=1),
        quantity=quantity,
        samples=tuple(samples),
        visits=((SAMPLES,) * VISITS,) * len(true),
        rounds=(tuple(range(VISITS)),) * len(true),
    )


def first(curve: Curve, lengths: int) -> Curve:
    """The shortest lengths of a curve: the others are hidden."""
    return replace(
        curve,
        seq_len=curve.seq_len[:lengths],
        value=curve.value[:lengths],
        rows=curve.rows[:lengths],
        samples=curve.samples[:lengths],
        visits=curve.visits[:lengths],
        rounds=curve.rounds[:lengths],
    )
