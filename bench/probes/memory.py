"""How much memory one call takes above what was resident before it."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from bench.case import Case
from bench.heap import give_back_freed_memory
from bench.probes.nvml import Monitor
from reports.figures import Memory

RESET_PEAK = "5"
"""What `/proc/PID/clear_refs` takes to set the peak resident set back to the current one
(proc(5))."""


def measure_memory(case: Case, monitor: Monitor | None = None) -> Memory:
    """Call a case once and count bytes; it must have been called before, to be warm.

    `workspace_bytes` is the peak above what was resident before the call. It holds the output and,
    for `forward+backward`, the gradients. What does not come from torch's allocator, such as
    scratch space inside a matrix library, is not counted.

    Args:
        monitor: NVML's view of the device, for the figure of the whole process.
    """
    case.clear()
    gc.collect()  # a cycle that is freed in the middle of the call would hide a part of the peak
    return _on_cuda(case, monitor) if case.inputs[0].is_cuda else _on_cpu(case)


def _on_cpu(case: Case) -> Memory:
    resident = _resident_set(case)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        output = case()
        sizes = _sizes(case, output)
        del output
        case.clear()
    # The allocator's own events: bytes taken (positive) or given back (negative), one each. What
    # was resident before counts from zero, so the running sum's maximum is the workspace.
    events = recorded.profiler.kineto_results.events()
    taken = [(e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]"]
    running = list(accumulate(nbytes for _, nbytes in sorted(taken, key=lambda event: event[0])))
    return Memory(
        **sizes,
        workspace_bytes=max(running, default=0),
        retained_bytes=max(0, running[-1]) if running else 0,
        resident_before_bytes=resident[0],
        resident_peak_bytes=resident[1],
        source="cpu allocator events",
    )


def _on_cuda(case: Case, monitor: Monitor | None) -> Memory:
    device = case.inputs[0].device
    torch.cuda.synchronize(device)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    resident = torch.cuda.memory_allocated(device)
    output = case()
    torch.cuda.synchronize(device)
    peak = torch.cuda.max_memory_allocated(device)
    reserved = torch.cuda.max_memory_reserved(device)
    # Points that wait for their visit, and what the cache is flushed with, are none of this one's.
    foreign = resident - _own_bytes(case)
    process = monitor.process_bytes(os.getpid()) if monitor else None
    sizes = _sizes(case, output)
    del output
    case.clear()
    return Memory(
        **sizes,
        workspace_bytes=peak - resident,
        retained_bytes=max(0, torch.cuda.memory_allocated(device) - resident),
        allocated_peak_bytes=peak - foreign,
        reserved_peak_bytes=reserved - foreign,
        process_bytes=process,
        source="cuda caching allocator",
    )


def _resident_set(case: Case) -> tuple[int, int] | tuple[None, None]:
    """The resident set before a call and its peak during it, in bytes; nothing without Linux.

    A call of its own: what the profiler needs would be counted too.
    """
    give_back_freed_memory()
    try:
        Path("/proc/self/clear_refs").write_text(RESET_PEAK)
    except OSError:  # another system, or a container that forbids it
        return None, None
    before = _status("VmRSS")
    case()
    peak = _status("VmHWM")
    case.clear()
    return before, peak


def _status(name: str) -> int:
    """A line of `/proc/self/status`, in bytes."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:"))


def _own_bytes(case: Case) -> int:
    """What a case itself keeps between calls."""
    upstream = [] if case.upstream is None else [case.upstream]
    return _bytes([*case.inputs, *case.layer.parameters(), *upstream])


def _sizes(case: Case, output: Tensor) -> dict[str, int]:
    return {
        "input_bytes": _bytes(case.inputs),
        "output_bytes": _bytes([output]),
        "parameter_bytes": _bytes(case.parameters),
    }


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)
