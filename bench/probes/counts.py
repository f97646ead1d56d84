"""What one call does, counted and not timed: exact, and the same on every run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TypeVar

import torch
from torch.profiler import ProfilerActivity, profile

from bench.case import Case
from reports.figures import Counts

T = TypeVar("T")

COMPILED = "Torch-Compiled Region"
"""How the names begin under which the profiler sees what torch.compile has made."""
NO_KERNELS = ("Memcpy", "Memset")
"""How the names of the driver's own copies and fills begin."""


def measure_counts(case: Case) -> Counts:
    """Count what a case does, which must be warm; a figure that cannot be had is None.

    * FLOPs and operators: `bench.probes.dispatch.count_dispatched`. Neither is known of a call in
      which compiled code runs: it hides what it computes from the dispatcher. The profiler sees
      that there is such code, and no call ever meets the dispatcher's count with some: torch would
      compile it again, or not at all.
    * Launches: CUDA kernels, by torch's profiler. Copies and fills are not counted: the driver may
      make them without a kernel. None on a CPU, and where two calls do not launch as many.
    * Graph breaks of the forward: `bench.probes.graph_breaks.count_graph_breaks`.

    Random numbers and gradients are afterwards as they were.
    """
    with _undisturbed(case):
        found = _or_none(_compiled_and_launched, case)
        again = _or_none(_compiled_and_launched, case) if found and _is_cuda(case) else found
        dispatched = None
        if found is not None and not found[0]:
            dispatched = _or_none(_dispatched, case)
        flops, operators = dispatched or (None, None)
        return Counts(
            flops=flops,
            operators=operators,
            launches=found[1] if found is not None and found == again else None,
            graph_breaks=_or_none(_graph_breaks, case),
        )


def _or_none(count: Callable[[Case], T], case: Case) -> T | None:
    try:
        return count(case)
    except Exception:  # a plug-in's own code may raise anything, and no tool sees everything
        return None


def _is_cuda(case: Case) -> bool:
    return case.inputs[0].is_cuda


def _compiled_and_launched(case: Case) -> tuple[bool, int | None]:
    """Whether a call runs compiled code, and how many kernels it launches; None on a CPU."""
    if not _is_cuda(case) and "torch._dynamo" not in sys.modules:
        return False, None  # nothing can have been compiled
    activities, device = [ProfilerActivity.CPU], case.inputs[0].device
    if _is_cuda(case):
        activities.append(ProfilerActivity.CUDA)
        torch.cuda.synchronize(device)
    case.clear()
    with profile(activities=activities) as recorded:
        case()
        if _is_cuda(case):
            torch.cuda.synchronize(device)
    events = recorded.key_averages()
    compiled = any(event.key.startswith(COMPILED) for event in events)
    launches = sum(
        event.count
        for event in events
        if event.device_type.name == "CUDA"
        and not event.is_user_annotation
        and not event.key.startswith(NO_KERNELS)
    )
    return compiled, launches if _is_cuda(case) else None


def _dispatched(case: Case) -> tuple[int | None, int]:
    from bench.probes.dispatch import count_dispatched

    case.clear()
    # If something were compiled all the same, it must not be made anew for the eyes of a counter.
    loaded = "torch._dynamo" in sys.modules
    with torch.compiler.set_stance("fail_on_recompile") if loaded else nullcontext():
        return count_dispatched(case)


def _graph_breaks(case: Case) -> int:
    from bench.probes.graph_breaks import count_graph_breaks

    return count_graph_breaks(case)


@contextmanager
def _undisturbed(case: Case) -> Iterator[None]:
    """Count with gradients where the call has a backward, and leave no trace."""
    leaves = [*case.inputs, *case.layer.parameters()]
    gradients = [leaf.grad for leaf in leaves]
    devices = [case.inputs[0].device] if _is_cuda(case) else []
    try:
        with torch.random.fork_rng(devices), torch.set_grad_enabled(case.upstream is not None):
            yield
    finally:
        for leaf, gradient in zip(leaves, gradients, strict=True):
            leaf.grad = gradient
