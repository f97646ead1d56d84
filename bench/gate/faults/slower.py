"""HATrick takes longer, by time in which nothing is computed."""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any

import torch
from torch import Tensor

import variants
from bench.gate.faults import SLOWER

_kind = variants.get("hatrick")
_forward = _kind.forward


def _slower(self: Any, x: Tensor, **kwargs: Any) -> Tensor:
    if x.is_cuda:
        return _slower_on_cuda(self, x, **kwargs)
    start = perf_counter_ns()
    output: Tensor = _forward(self, x, **kwargs)
    end = perf_counter_ns() + SLOWER["cpu"] * (perf_counter_ns() - start)
    while perf_counter_ns() < end:
        pass
    return output


def _slower_on_cuda(self: Any, x: Tensor, **kwargs: Any) -> Tensor:
    """The device sleeps for a share of the cycles that the same call took it the first time."""
    key = (tuple(x.shape), x.dtype)
    if key not in _cycles:
        _forward(self, x, **kwargs)
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        _forward(self, x, **kwargs)
        end.record()
        torch.cuda.synchronize(x.device)
        asleep_from, asleep_to = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        asleep_from.record()
        torch.cuda._sleep(CALIBRATION)
        asleep_to.record()
        torch.cuda.synchronize(x.device)
        per_ms = CALIBRATION / asleep_from.elapsed_time(asleep_to)
        _cycles[key] = int(SLOWER["cuda"] * start.elapsed_time(end) * per_ms)
    output: Tensor = _forward(self, x, **kwargs)
    torch.cuda._sleep(_cycles[key])
    return output


CALIBRATION = 10_000_000
_cycles: dict[tuple[tuple[int, ...], torch.dtype], int] = {}
_kind.forward = _slower  # type: ignore[method-assign]
