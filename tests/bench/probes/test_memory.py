from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from bench.case import Case
from bench.probes.memory import measure_memory

MakeCase = Callable[..., Case]
INPUT = 2 * 24 * 16 * 4


def bytes_of(n: int) -> Tensor:
    return torch.empty(n, dtype=torch.uint8)


def test_the_peak_is_exact_to_the_byte(make_case: MakeCase) -> None:
    def function(x: Tensor) -> Tensor:
        first = bytes_of(10_007)
        second = bytes_of(50_021)  # peak: both, 60 028
        del first, second
        third = bytes_of(20_011)
        del third
        return x.clone()

    case = make_case(function)
    case()
    memory = measure_memory(case)
    assert memory.workspace_bytes == 60_028
    assert memory.input_bytes == memory.output_bytes == INPUT
    assert memory.source == "cpu allocator events"


def test_the_output_is_part_of_the_workspace(make_case: MakeCase) -> None:
    assert measure_memory(make_case(lambda x: x.clone())).workspace_bytes == INPUT


def test_a_view_takes_nothing(make_case: MakeCase) -> None:
    assert measure_memory(make_case(lambda x: x.view_as(x))).workspace_bytes == 0


def test_what_was_resident_before_does_not_count(make_case: MakeCase) -> None:
    resident = bytes_of(1_000_000)
    memory = measure_memory(make_case(lambda x: x.clone()))
    assert memory.workspace_bytes == INPUT < resident.nbytes


def test_backward_holds_output_and_gradient(make_case: MakeCase) -> None:
    case = make_case(lambda x: -x, direction="forward+backward")
    assert measure_memory(case).workspace_bytes == 2 * INPUT


def test_gradients_of_an_earlier_call_are_not_resident(make_case: MakeCase) -> None:
    case = make_case(direction="forward+backward")
    case()
    first = measure_memory(case)
    assert measure_memory(case).workspace_bytes == first.workspace_bytes
    parameters = sum(p.nbytes for p in case.layer.parameters())
    assert first.parameter_bytes == parameters == (16 * 48 + 48 + 16 * 16 + 16 + 16 + 16) * 4
    assert first.workspace_bytes >= first.output_bytes + parameters + first.input_bytes


@pytest.mark.parametrize("variant", ["full", "hatrick", "lsh", "sliding_window"])
def test_it_is_repeatable(make_case: MakeCase, variant: str) -> None:
    case = make_case(variant=variant, chunk_size=None if variant == "full" else 8)
    case()
    assert len({measure_memory(case).workspace_bytes for _ in range(3)}) == 1


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_peak_on_cuda(make_case: MakeCase) -> None:
    def function(x: Tensor) -> Tensor:
        scratch = torch.empty(2**20, dtype=torch.uint8, device=x.device)
        del scratch
        return x.clone()

    case = make_case(function, device="cuda:0")
    memory = measure_memory(case)
    assert memory.workspace_bytes == 2**20
    assert memory.allocated_peak_bytes is not None
    assert memory.reserved_peak_bytes is not None
    assert memory.reserved_peak_bytes >= memory.allocated_peak_bytes >= 2**20
