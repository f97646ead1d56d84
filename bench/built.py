"""The points of a worker that are built and wait for their next visit."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import torch

from bench.case import Call, Case, Replay, build
from bench.device import memory_bytes
from bench.probes.time import Timer, timer
from reports.schema import Point

HELD_SHARE = 0.1
"""Of the device's memory, what points that wait for their next visit may keep."""


@dataclass
class Built:
    """A point that is built and may be called."""

    case: Case
    call: Call
    """What is timed: the case, or its replay as a CUDA graph."""
    timer: Timer
    bytes: int
    """Of its inputs and parameters."""
    warm: bool = False
    """Its warm-up is over."""
    stationary: bool = False
    """It ended because its calls took the same time."""
    call_ms: float = 0.0
    """Of the last call of a warm-up."""


class BuiltPoints:
    """Points that take turns are built once, as long as there is room for them; one that had to go
    is built again from its seed, which gives the very same one."""

    def __init__(self) -> None:
        self._built: OrderedDict[str, Built] = OrderedDict()

    def __len__(self) -> int:
        return len(self._built)

    @property
    def bytes(self) -> int:
        """Of all of them, inputs and parameters."""
        return sum(each.bytes for each in self._built.values())

    def get(self, point: Point) -> Built:
        """The point, from before if it is still there."""
        if point.key not in self._built:
            self._built[point.key] = _make(point)
            self._make_room(HELD_SHARE * memory_bytes(torch.device(point.device)))
        self._built.move_to_end(point.key)
        return self._built[point.key]

    def capture(self, point: Point) -> Built:
        """The point with its call replaced by a CUDA graph of it, captured if it is not yet."""
        built = self.get(point)
        if isinstance(built.call, Case):
            built.call = Replay(built.case)
            built.timer = timer(built.call, torch.device(point.device), point.cache)
        return built

    def drop(self, point: Point) -> None:
        """Let go of a point."""
        self._built.pop(point.key, None)

    def drop_all_but(self, point: Point) -> bool:
        """Let go of all other points; whether there was any."""
        others = [key for key in self._built if key != point.key]
        for key in others:
            del self._built[key]
        return bool(others)

    def _make_room(self, limit: float) -> None:
        """Let go of the points that were not used for longest, but never of the last one."""
        while len(self._built) > 1 and self.bytes > limit:
            self._built.popitem(last=False)


def _make(point: Point) -> Built:
    case, device = build(point), torch.device(point.device)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    tensors = [*case.inputs, *case.layer.parameters()]
    tensors += [case.upstream] if case.upstream is not None else []
    size = sum(tensor.nbytes for tensor in tensors)
    return Built(case, case, timer(case, device, point.cache), size)
