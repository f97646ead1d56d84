"""One visit: a warm-up, and a share of a point's samples."""

from __future__ import annotations

import gc
from math import ceil
from time import perf_counter

from bench.built import Built
from bench.contention import Contender
from bench.messages import Turn, Visit
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
TURN_S = 0.006
"""Sampling time of a short turn; a longer call makes a turn by itself."""
LONG_TURN_MS = 20.0
"""From here on the first call of a turn is a sample, too: within its first moments it pushes out
what others left in the caches."""
FIRST_TURN_S = 0.05
FIRST_CALLS = 3
"""The least warm-up before the first short turn."""
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


def short_turn(built: Built) -> Turn:
    """As few samples as fill `TURN_S`, after a short call that brings the caches back.

    A machine's speed drifts at every time scale, so two processes are compared by turns that follow
    each other as fast as can be (1/f noise, which longer averages do not reduce: Allan, "Statistics
    of Atomic Frequency Standards", Proc. IEEE 54, 1966).

    The first turn warms the point up, for a fixed time: whoever compares turns compares those of
    the same number, and what is left of a warm-up is in all of them.
    """
    end = perf_counter() + (0.0 if built.warm else FIRST_TURN_S)
    calls, least = 0, FIRST_CALLS
    if built.warm:
        least = int(built.call_ms < LONG_TURN_MS)
    while calls < least or perf_counter() < end:
        built.call_ms = built.timer.sample() if built.warm else built.timer.warm_up()
        calls += 1
    built.warm = True
    gc.disable()
    try:
        return Turn(samples_ms=take_samples(built.timer, least=1, most=MAX_SAMPLES, seconds=TURN_S))
    finally:
        gc.enable()
