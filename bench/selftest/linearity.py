"""Twice the work takes twice the time."""

from __future__ import annotations

from statistics import median

import torch

from bench.probes.time import take_samples, timer
from bench.selftest.calls import Products
from bench.selftest.report import Check
from reports.intervals import paired_ratio

LIMIT = 0.02
ROUNDS = 20
WORK = {"cpu": (384, 8), "cuda": (2048, 8)}
"""Size and number of the products: some ten milliseconds, so that what a call costs by itself is
below a thousandth."""


def check_linearity(device: torch.device) -> Check:
    """Time a number of matrix products and twice as many, in turns.

    A clock that is wrong by a factor passes this check, one that is off by a constant, or a harness
    that adds one, does not.
    """
    size, times = WORK[device.type]
    work = Products(size, times, device)
    once, twice = (timer(call, device, "warm") for call in (work, work.twice()))
    samples: dict[str, list[float]] = {"once": [], "twice": []}
    for timed in (once, twice):
        for _ in range(10):
            timed.warm_up()
    for _ in range(ROUNDS):
        for name, timed in (("once", once), ("twice", twice)):
            timed.warm_up()
            samples[name] += take_samples(timed, least=3, most=3, seconds=0.0)
    visits = [3] * ROUNDS
    ratio = paired_ratio(samples["once"], visits, samples["twice"], visits)
    assert ratio is not None
    found = ratio.ratio / 2 - 1
    return Check(
        name="twice the work takes twice the time",
        found=f"{ratio.ratio:.3f} times (95% interval {ratio.low:.3f} to {ratio.high:.3f}; "
        f"{median(samples['once']):.3g} ms, {median(samples['twice']):.3g} ms)",
        limit=f"2 within {LIMIT:.0%}",
        passed=abs(found) <= LIMIT,
    )
