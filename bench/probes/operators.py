"""Which operators a call spends its time in, as torch's profiler sees it."""

from __future__ import annotations

import torch
from torch.profiler import ProfilerActivity, profile, record_function

from bench.case import Case
from reports.operator_table import Operator

OUTSIDE = "outside of operators"
"""The name of what the CPU does in a call and in no operator: Python, mostly."""


def measure_operators(case: Case, calls: int) -> list[Operator]:
    """Profile calls of a case, which must be warm.

    Returns:
        Means over the calls, those that took most time first. On a CPU they are the operators,
        each without what it called itself, and `OUTSIDE`; on CUDA the kernels and copies.
    """
    found = _on_cuda(case, calls) if case.inputs[0].is_cuda else _on_cpu(case, calls)
    total = sum(self_us for _, _, self_us in found)
    operators = [
        Operator(
            name=name,
            calls=count / calls,
            self_ms=self_us / calls / 1e3,
            share=self_us / total,
        )
        for name, count, self_us in found
        if self_us > 0
    ]
    return sorted(operators, key=lambda operator: -operator.self_ms)


def _on_cpu(case: Case, calls: int) -> list[tuple[str, int, float]]:
    """Name, number and self time in µs of every operator; together they are all of the calls."""
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        for _ in range(calls):
            case.clear()
            with record_function(OUTSIDE):
                case()
    return [
        (event.key, event.count, event.self_cpu_time_total) for event in recorded.key_averages()
    ]


def _on_cuda(case: Case, calls: int) -> list[tuple[str, int, float]]:
    """Name, number and time in µs of every kernel and copy."""
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as recorded:
        for _ in range(calls):
            case.clear()
            case()
        torch.cuda.synchronize(case.inputs[0].device)
    # An operator's event repeats the time of the kernels that it launched, and an annotation's
    # spans theirs: only the kernels' own events are added up, as in the profiler's own table.
    return [
        (event.key, event.count, event.self_device_time_total)
        for event in recorded.key_averages()
        if event.device_type.name == "CUDA" and not event.is_user_annotation
    ]
