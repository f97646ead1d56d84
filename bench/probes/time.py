"""How long one call takes: samples, each of one call.

On a CPU the clock is read around the call. On CUDA events stand around it, and a kernel that only
waits stands before it while Python queues the call, so that the GPU never waits for Python (the
blocking kernel of NVIDIA's NVBench does the same).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from time import perf_counter, perf_counter_ns
from typing import Protocol

import torch
from torch import Tensor

from bench.case import Call

FLUSH_TIMES = 2
"""How many times the last-level cache fits into what is written to flush it."""
BLOCK_MARGIN = 1.5
BLOCK_MS = (0.05, 50.0)
"""Shortest and longest wait of the blocking kernel: `BLOCK_MARGIN` times what queueing takes."""


class Timer(Protocol):
    """Times one call after another."""

    def warm_up(self) -> float:
        """Make one call that is not a sample; its milliseconds."""

    def sample(self) -> float:
        """Make one call and time it; milliseconds."""

    hidden: int | None
    """How many samples had all their kernels queued before the first one ran; None on a CPU."""


def timer(call: Call, device: torch.device, cache: str) -> Timer:
    """The timer for calls on a device.

    Args:
        cache: `cold`: the last-level cache is flushed before every call; `warm`: it is not.
    """
    flush = _flush(device) if cache == "cold" else _leave_alone
    return CudaTimer(call, flush, device) if device.type == "cuda" else CpuTimer(call, flush)


def take_samples(timed: Timer, *, least: int, most: int, seconds: float) -> list[float]:
    """Sample until `seconds` are used up, but at least `least` times and at most `most` times."""
    samples: list[float] = []
    end = perf_counter() + seconds
    while len(samples) < least or (len(samples) < most and perf_counter() < end):
        samples.append(timed.sample())
    return samples


class CpuTimer:
    """Reads the clock around a call. Gradients are set to None before it, outside what is timed."""

    def __init__(self, call: Call, flush: Callable[[], object]) -> None:
        self._call = call
        self._flush = flush
        self.hidden: int | None = None

    def sample(self) -> float:
        self._call.clear()
        self._flush()
        start = perf_counter_ns()
        self._call()
        return (perf_counter_ns() - start) / 1e6

    def warm_up(self) -> float:
        return self.sample()


class CudaTimer:
    """Puts events around a call that is queued while the GPU waits."""

    def __init__(self, call: Call, flush: Callable[[], object], device: torch.device) -> None:
        self._call = call
        self._flush = flush
        self._device = device
        self._cycles_per_ms = _cycles_per_ms(self._device)
        self._queue_ms = 0.0
        self.hidden: int | None = 0

    def warm_up(self) -> float:
        """One call on an idle device: also learns how long Python takes to queue it."""
        self._call.clear()
        torch.cuda.synchronize(self._device)
        start = perf_counter_ns()
        self._call()
        queued = perf_counter_ns()
        torch.cuda.synchronize(self._device)
        # The last one counts: the first calls compile and allocate.
        self._queue_ms = (queued - start) / 1e6
        return (perf_counter_ns() - start) / 1e6

    def sample(self) -> float:
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        self._call.clear()
        torch.cuda.synchronize(self._device)
        wait_ms = min(max(BLOCK_MARGIN * self._queue_ms, BLOCK_MS[0]), BLOCK_MS[1])
        torch.cuda._sleep(int(wait_ms * self._cycles_per_ms))
        self._flush()
        start.record()
        self._call()
        end.record()
        # If the device has not come to the start by now, all of the call was queued before it ran.
        if start.query():
            self._queue_ms = min(2 * self._queue_ms, BLOCK_MS[1])
        else:
            self.hidden = (self.hidden or 0) + 1
        end.synchronize()
        return float(start.elapsed_time(end))


def cache_bytes(device: torch.device) -> int:
    """Size of a device's last-level cache; 0 where the system does not tell."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).L2_cache_size)
    units = {"K": 1 << 10, "M": 1 << 20}
    sizes = [0]
    for file in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = file.read_text("ascii").strip()
        sizes.append(int(text[:-1]) * units[text[-1]] if text[-1] in units else int(text))
    return max(sizes)


def _flush(device: torch.device) -> Callable[[], Tensor]:
    """A function that leaves nothing of the inputs in the device's last-level cache."""
    cache = cache_bytes(device)
    if not cache:
        raise RuntimeError(f"the size of {device}'s cache is unknown, so it cannot be flushed")
    scratch = _scratch(FLUSH_TIMES * cache, device)
    assert scratch.nbytes > cache
    return scratch.zero_


@lru_cache(maxsize=4)
def _scratch(size: int, device: torch.device) -> Tensor:
    """What is written to flush the cache: one for all points of a device."""
    return torch.empty(size, dtype=torch.uint8, device=device)


def _leave_alone() -> None:
    pass


@lru_cache(maxsize=4)
def _cycles_per_ms(device: torch.device) -> float:
    """Clock cycles of the waiting kernel in a millisecond, measured over some ten of them: an idle
    device's clock is slow at first."""
    cycles = 20_000_000
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda._sleep(cycles)
    torch.cuda.synchronize(device)
    start.record()
    torch.cuda._sleep(cycles)
    end.record()
    end.synchronize()
    return cycles / float(start.elapsed_time(end))
