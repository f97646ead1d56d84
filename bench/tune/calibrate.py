"""`hatrick tune --calibrate`: what FLOPs, bytes and chunks take here, from ten seconds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from math import ceil
from statistics import median
from time import monotonic

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import nnls

from bench.cost import model_cost
from bench.environment import threads
from bench.messages import Failure, Turn
from bench.spec import SpecError
from bench.tune.planning import first_wave, flops_of, foreseen
from bench.tune.request import Request
from bench.tune.workers import Workers
from hatrick.chunk_size.calibration import Calibration
from reports.schema import Point

SECONDS = 10.0
"""Of turns; a worker's start, and the first round of long calls, come on top."""
LEAST_ROUNDS = 3
MOST_SIZES = 5


def calibrate(request: Request, watch: Callable[[Point], None]) -> Calibration:
    """Time a few chunk sizes at the longest length asked for and at half of it, and fit what a
    FLOP, a byte and a chunk take: non-negative least squares of relative errors.

    Raises:
        SpecError: the variant has no cost model, or its points fail.
    """
    points = _points(request)
    samples: dict[str, list[float]] = {point.key: [] for point in points}
    with Workers(request.spec) as workers:
        workers.renew(points[0])
        end, rounds = monotonic() + SECONDS, 0
        while rounds <= LEAST_ROUNDS or monotonic() < end:
            for point in points:
                watch(point)
                answer = workers.ask("turn", point)
                if isinstance(answer, Failure):
                    raise SpecError(f"T = {point.seq_len}, n = {point.chunk_size}: {answer.reason}")
                assert isinstance(answer, Turn), answer
                if rounds:  # the first one warms up
                    samples[point.key] += answer.samples_ms
            rounds += 1
    first = points[0]
    rates = _fit(points, [median(samples[point.key]) for point in points])
    return Calibration(
        device_name=first.device_name,
        threads=threads() if torch.device(first.device).type == "cpu" else 0,
        dtype=first.dtype,
        direction=first.direction,
        variant=first.variant,
        ms_per_flop=rates[0],
        ms_per_byte=rates[1],
        ms_per_chunk=rates[2],
        created_at=datetime.now(UTC),
        command=request.command,
        samples=sum(map(len, samples.values())),
    )


def _points(request: Request) -> list[Point]:
    """Of both lengths the powers of two that the cost model thinks most of."""
    longest = max(request.spec.seq_len)
    found: list[Point] = []
    for T in (longest // 2, longest):
        points = {p.chunk_size: p for p in (each.point for each in request.points(T))}
        flops = flops_of(list(points.values()))
        if not flops:
            raise SpecError(
                f"{request.spec.variants[0]} has no cost model to calibrate; tune it instead: "
                "leave --calibrate out"
            )
        near = set(flops) - {each.chunk_size for each in foreseen(flops)}
        best = sorted(first_wave(sorted(near), T), key=lambda n: flops[n])[:MOST_SIZES]
        found += [points[n] for n in sorted(best)]
    if len(found) <= 3:
        raise SpecError(
            f"--seq-len {longest}: too short to calibrate by, there are {len(found)} chunk sizes "
            "to time and more than 3 are needed; give a longer one"
        )
    return found


def _fit(points: list[Point], measured_ms: list[float]) -> NDArray[np.float64]:
    """Milliseconds of a FLOP, of a byte and of a chunk."""
    terms = []
    for point in points:
        cost = model_cost(point)
        assert cost is not None
        assert point.chunk_size is not None
        terms.append([cost.flops, cost.bytes, point.batch * ceil(point.seq_len / point.chunk_size)])
    relative = np.array(terms, np.float64) / np.array(measured_ms)[:, None]
    scale = np.linalg.norm(relative, axis=0)
    return np.asarray(nnls(relative / scale, np.ones(len(points)))[0] / scale)
