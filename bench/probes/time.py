"""How long one call takes: every sample, and the median with its interval."""

from __future__ import annotations

import gc
from collections.abc import Callable
from time import perf_counter, perf_counter_ns

import numpy as np
import torch
from scipy import stats

from bench.case import Case
from reports.schema import Latency

WARMUP_CALLS = 2
WARMUP_S = 0.1
MIN_SAMPLES = 6
"""With fewer, the median has no 95% interval: 1 − 2 · 0.5⁶ is the first above 0.95."""
MAX_SAMPLES = 1000

Timed = Callable[[Case], float]
"""Makes one call and returns its milliseconds."""


def measure_latency(case: Case, seconds: float, build_ms: float) -> Latency:
    """Time a case: warm up, then sample until `seconds` are used up.

    Gradients are cleared before each call, outside the timed part. The interval is that of the
    sign test (Conover, Practical Nonparametric Statistics, 3rd ed., section 3.2): it assumes
    nothing of the samples' distribution, but that they are independent.
    """
    timed = _timed_on_cuda if case.inputs[0].is_cuda else _timed_on_cpu
    warmup: list[float] = []
    warm = perf_counter() + WARMUP_S
    while len(warmup) < WARMUP_CALLS or perf_counter() < warm:
        warmup.append(_one(case, timed))
    samples = _sample(case, timed, seconds)
    q1, median, q3 = np.quantile(samples, (0.25, 0.5, 0.75))
    low, high = stats.quantile_test(samples, q=0, p=0.5).confidence_interval(0.95)
    return Latency(
        samples_ms=samples,
        median_ms=median,
        q1_ms=q1,
        q3_ms=q3,
        low_ms=None if np.isnan(low) else low,
        high_ms=None if np.isnan(high) else high,
        build_ms=build_ms,
        first_call_ms=warmup[0],
        warmup_ms=sum(warmup),
        warmup_calls=len(warmup),
    )


def _sample(case: Case, timed: Timed, seconds: float) -> list[float]:
    samples: list[float] = []
    gc.collect()
    gc.disable()  # a collection in the middle of a call would be counted as the call's
    try:
        end = perf_counter() + seconds
        while len(samples) < MIN_SAMPLES or (perf_counter() < end and len(samples) < MAX_SAMPLES):
            samples.append(_one(case, timed))
    finally:
        gc.enable()
    return samples


def _one(case: Case, timed: Timed) -> float:
    case.clear()
    return timed(case)


def _timed_on_cpu(case: Case) -> float:
    start = perf_counter_ns()
    case()
    return (perf_counter_ns() - start) / 1e6


def _timed_on_cuda(case: Case) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    case()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end))
