"""How much energy one call takes, by the device's own counter."""

from __future__ import annotations

from time import perf_counter

import torch

from bench.case import Call
from bench.probes.nvml import Monitor

LEAST_S = 0.5
"""How long calls are repeated: the counter moves every 20 to 100 ms."""


def energy_of_a_call(call: Call, monitor: Monitor) -> float | None:
    """Joules of one call, of the whole device, its idle power included; None without a counter.

    A pass of its own: calls follow each other without a flush or a wait, so caches are warm.
    """
    before, start, calls = monitor.energy_j(), perf_counter(), 0
    if before is None:
        return None
    while perf_counter() - start < LEAST_S:
        call.clear()
        call()
        torch.cuda.synchronize()
        calls += 1
    after = monitor.energy_j()
    return None if after is None else (after - before) / calls
