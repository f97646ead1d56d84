"""The clock agrees with one that this project did not write."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import torch
from torch.utils.benchmark import Timer as TorchTimer

from bench.case import Call
from bench.probes.time import take_samples, timer
from bench.selftest.calls import Attention, Products
from bench.selftest.report import Check

LIMIT = 0.03
ROUNDS = 15
SIZES = {"cpu": (512, 512), "cuda": (4096, 8192)}
"""Of the matrix product, and T of the attention."""


def check_clocks(device: torch.device) -> list[Check]:
    """Time a matrix product and an attention with the harness and, in turns with it, with
    `torch.utils.benchmark.Timer` on a CPU and `triton.testing.do_bench` on CUDA."""
    size, seq_len = SIZES[device.type]
    calls: dict[str, Call] = {
        "matrix product": Products(size, 1, device),
        "attention": Attention(seq_len, device),
    }
    return [_check(name, call, device) for name, call in calls.items()]


def _check(name: str, call: Call, device: torch.device) -> Check:
    # do_bench flushes the cache before every call; torch's timer leaves it alone.
    timed = timer(call, device, "cold" if device.type == "cuda" else "warm")
    other_name, other = _independent(call, device)
    for _ in range(10):
        timed.warm_up()
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        timed.warm_up()
        ours.append(median(take_samples(timed, least=5, most=5, seconds=0.0)))
        theirs.append(other())
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    return Check(
        name=f"{name}: the clock agrees with {other_name}",
        found=f"{ratio:.3f} times ({median(ours):.4g} ms, {median(theirs):.4g} ms)",
        limit=f"1 within {LIMIT:.0%}",
        passed=abs(ratio - 1) <= LIMIT,
    )


def _independent(call: Call, device: torch.device) -> tuple[str, Callable[[], float]]:
    """The name of an independent timer, and what it says of a call in milliseconds."""
    if device.type == "cuda":
        from triton.testing import do_bench

        return "triton.testing.do_bench", lambda: float(
            do_bench(call, warmup=5, rep=20, return_mode="median")
        )
    torch_timer = TorchTimer("call()", globals={"call": call}, num_threads=torch.get_num_threads())
    # One call a measurement, as ours: its mean over many would be compared with our median.
    return "torch.utils.benchmark.Timer", lambda: median(
        torch_timer.timeit(1).median * 1e3 for _ in range(5)
    )
