"""How much energy one call takes, by the device's own counter."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import torch

from bench.case import Call
from bench.probes.nvml import Monitor

LEAST_S = 1.0
"""How long calls are repeated, from one step of the counter to another: it moves every 20 to
100 ms, and between its steps nobody knows where it is."""
BATCH_S = 0.01
"""Calls that are queued at a time, so that the device does not wait for Python between them."""
GIVE_UP_S = 5.0
"""A counter that has not moved by then does not move."""


def energy_of_a_call(
    call: Call,
    monitor: Monitor,
    device: torch.device,
    *,
    clock: Callable[[], float] = monotonic,
) -> float | None:
    """Joules of one call, of the whole device, its idle power included; None without a counter.

    A pass of its own, with calls back to back and caches warm. Its start and its end are steps of
    the counter, so what is known is known to one batch of calls.
    """
    if monitor.energy_j() is None:
        return None
    batch = _batch(call, device, clock)

    def repeat() -> None:
        for _ in range(batch):
            call.clear()
            call()
        torch.cuda.synchronize(device)

    def next_step(after_s: float) -> tuple[float, int] | None:
        """The counter at its first step after some time of calls, and how many these were."""
        start, calls, before = clock(), 0, monitor.energy_j()
        while before is not None and clock() - start < after_s + GIVE_UP_S:
            repeat()
            calls += batch
            now = monitor.energy_j()
            if now is None or (clock() - start >= after_s and now != before):
                return None if now is None else (now, calls)
            before = now
        return None

    first = next_step(0.0)
    last = next_step(LEAST_S) if first else None
    return (last[0] - first[0]) / last[1] if first and last else None


def _batch(call: Call, device: torch.device, clock: Callable[[], float]) -> int:
    """How many calls take some ten milliseconds; the first, which may compile, is not counted."""
    call()
    torch.cuda.synchronize(device)
    start, calls = clock(), 0
    while clock() - start < BATCH_S:
        call.clear()
        call()
        torch.cuda.synchronize(device)
        calls += 1
    return calls
