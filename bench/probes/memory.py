"""How much memory one call takes above what was resident before it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from bench.case import Case
from reports.schema import Memory


def measure_memory(case: Case) -> Memory:
    """Call a case once and count bytes; it must have been called before, to be warm.

    `workspace_bytes` is the peak above what was resident before the call. It holds the output and,
    for `forward+backward`, the gradients. What does not come from torch's allocator, such as
    scratch space inside a matrix library, is not counted.
    """
    case.clear()
    return _on_cuda(case) if case.inputs[0].is_cuda else _on_cpu(case)


def _on_cpu(case: Case) -> Memory:
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        output = case()
    # The allocator's own events: bytes taken (positive) or given back (negative), one each. What
    # was resident before counts from zero, so the running sum's maximum is the workspace.
    events = recorded.profiler.kineto_results.events()
    taken = [(e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]"]
    running = accumulate(nbytes for _, nbytes in sorted(taken, key=lambda event: event[0]))
    return Memory(
        **_sizes(case, output),
        workspace_bytes=max(running, default=0),
        source="cpu allocator events",
    )


def _on_cuda(case: Case) -> Memory:
    device = case.inputs[0].device
    torch.cuda.synchronize(device)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    resident = torch.cuda.memory_allocated(device)
    output = case()
    torch.cuda.synchronize(device)
    peak = torch.cuda.max_memory_allocated(device)
    return Memory(
        **_sizes(case, output),
        workspace_bytes=peak - resident,
        allocated_peak_bytes=peak,
        reserved_peak_bytes=torch.cuda.max_memory_reserved(device),
        source="cuda caching allocator",
    )


def _sizes(case: Case, output: Tensor) -> dict[str, int]:
    return {
        "input_bytes": _bytes(case.inputs),
        "output_bytes": _bytes([output]),
        "parameter_bytes": _bytes(case.parameters),
    }


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)
