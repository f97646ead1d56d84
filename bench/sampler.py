"""One visit: a warm-up, and a share of a point's samples."""

from __future__ import annotations

import gc
from math import ceil
from time import perf_counter

from bench.built import Built
from bench.contention import Contender
from bench.messages import Visit
from bench.probes import nvml
from bench.probes.time import take_samples
from bench.stopping import MAX_SAMPLES, MIN_VISITS, min_samples, stationary

VISITS = 20
"""About how many visits share a point's sampling time."""
LEAST_WARMUP_S = 0.1
WARMUP_SHARE = 0.5
"""Of a point's sampling time, what its warm-up may take before it is cut short; a second in any
case, and `LEAST_TRIED` calls."""
LEAST_TRIED = 8
REWARM_S = 0.005
"""At the start of every visit: what other points left in the caches is pushed out again."""
LONG_CALL_MS = 250.0
"""From here on a call gets no such thing: it would cost a whole call more at every visit.
`docs/measuring.md` shows how the first sample of a visit then compares with the others."""


def warm_up(built: Built, seconds: float) -> list[float]:
    """Call until the calls take the same time; at later visits, until the caches are its own.

    Args:
        seconds: most sampling time of the point, all visits together.

    Returns:
        Milliseconds of the calls.
    """
    calls: list[float] = []
    if built.warm and built.call_ms > LONG_CALL_MS:
        return calls
    start = perf_counter()
    most = max(1.0, WARMUP_SHARE * seconds)
    while True:
        # The first two tell the timer how to make samples; the others are timed as these are.
        learns = len(calls) < 2 and not built.warm
        built.call_ms = built.timer.warm_up() if learns else built.timer.sample()
        calls.append(built.call_ms)
        spent, n = perf_counter() - start, len(calls)
        if built.warm:
            if spent >= REWARM_S:
                return calls
        elif n > 1 and n & (n - 1) == 0 and spent >= LEAST_WARMUP_S and stationary(calls):
            built.warm = built.stationary = True  # asked after 2, 4, 8, … calls: see `stationary`
            return calls
        elif n >= LEAST_TRIED and spent > most:
            built.warm = True
            return calls


def sample(
    built: Built, warmup: list[float], seconds: float, monitor: nvml.Monitor | None
) -> Visit:
    """One visit's samples, and what the machine did meanwhile.

    Args:
        warmup: what `warm_up` returned.
        seconds: most sampling time of the point, all visits together.
    """
    readings = [monitor.read()] if monitor else []
    timed = built.timer
    timed.hidden = None if timed.hidden is None else 0
    contender, start = Contender(), perf_counter()
    gc.disable()  # a collection in the middle of a call would be counted as the call's
    try:
        samples = take_samples(
            timed,
            least=ceil(min_samples(built.call_ms) / MIN_VISITS),
            most=MAX_SAMPLES // VISITS,
            seconds=seconds / VISITS,
        )
    finally:
        gc.enable()
    sampling_s, contention = perf_counter() - start, contender.since()
    readings += [monitor.read()] if monitor else []
    return Visit(
        samples_ms=samples,
        sampling_s=sampling_s,
        warmup_ms=sum(warmup),
        warmup_calls=len(warmup),
        stationary=built.stationary,
        hidden=timed.hidden,
        throttled=any(map(nvml.held_back, readings)),
        readings=readings,
        contention=contention,
    )
