"""An attention takes longer, by time in which nothing is computed."""

from __future__ import annotations

from functools import cache
from time import perf_counter_ns
from typing import Any

import torch
from torch import Tensor

from bench.gate.faults import SLOWER

CYCLES = 10_000_000
"""Of the sleep that shows how many the device makes in a millisecond."""


def spoil(kind: Any) -> None:
    """Spoil a class of layers."""
    sound = kind.forward
    asleep: dict[tuple[tuple[int, ...], torch.dtype], int] = {}

    def forward(self: Any, x: Tensor, **kwargs: Any) -> Tensor:
        start = perf_counter_ns()
        output: Tensor = sound(self, x, **kwargs)
        if x.is_cuda:
            # A share of what the same call took the device the first time.
            key = (tuple(x.shape), x.dtype)
            if key not in asleep:
                call_ms = _device_ms(x.device, lambda: sound(self, x, **kwargs))
                asleep[key] = int(SLOWER["cuda"] * call_ms * _cycles_per_ms(x.device))
            torch.cuda._sleep(asleep[key])
            return output
        end = perf_counter_ns() + SLOWER["cpu"] * (perf_counter_ns() - start)
        while perf_counter_ns() < end:
            pass
        return output

    kind.forward = forward


@cache
def _cycles_per_ms(device: torch.device) -> float:
    return CYCLES / _device_ms(device, lambda: torch.cuda._sleep(CYCLES))


def _device_ms(device: torch.device, call: Any) -> float:
    """Milliseconds that a call takes the device."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    call()
    end.record()
    torch.cuda.synchronize(device)
    return float(start.elapsed_time(end))
