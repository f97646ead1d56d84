"""Memory is exact to the byte."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bench.case import Case, build
from bench.device import model_name
from bench.probes.memory import measure_memory
from bench.selftest.report import Check
from reports.schema import Point

KIB = 1 << 10


def check_memory(device: torch.device) -> Check:
    """Count the memory of calls whose peak is known: two blocks at a time, a chain of element-wise
    operations, a matrix product. All sizes are multiples of 512 bytes, the unit of CUDA's
    allocator."""
    known: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
        "two blocks": (_two_blocks, 3 * KIB + 5 * KIB),
        "a chain": (_chain, 2 * 64 * KIB),
        "a product": (_product, 64 * KIB),
    }
    wrong = []
    for name, (function, expected) in known.items():
        case = _case(device, function)
        case()
        found = measure_memory(case).workspace_bytes
        if found != expected:
            wrong.append(f"{name} takes {expected} bytes and {found} were counted")
    return Check(
        name="memory is exact",
        found="; ".join(wrong) or f"{len(known)} known peaks, each to the byte",
        limit="0 bytes off",
        passed=not wrong,
    )


def _two_blocks(x: Tensor) -> Tensor:
    first = torch.empty(3 * KIB, dtype=torch.uint8, device=x.device)
    second = torch.empty(5 * KIB, dtype=torch.uint8, device=x.device)
    del first, second
    third = torch.empty(7 * KIB, dtype=torch.uint8, device=x.device)
    del third
    return x.view_as(x)


def _chain(x: Tensor) -> Tensor:
    # The double and its exponential live at the same time; the double is gone before the third.
    # No constants: each would be a tensor of a few bytes.
    exponential = (x + x).exp()
    return exponential.sin()


def _product(x: Tensor) -> Tensor:
    return x @ x


def _case(device: torch.device, function: Callable[[Tensor], Tensor]) -> Case:
    """A case of 128 × 128 float32 numbers, 64 KiB, with a function in place of the layer."""
    point = Point(
        variant="full",
        backend="auto",
        backend_used="sdpa",
        scope="layer",
        direction="forward",
        batch=1,
        seq_len=128,
        dim=128,
        heads=2,
        chunk_size=None,
        causal=False,
        dtype="float32",
        device=str(device),
        device_name=model_name(device),
        cache="warm",
        cuda_graph=False,
        allocator="kept",
        wait_policy="passive",
        seed=0,
    )
    case = build(point)
    case.function = function
    return case
