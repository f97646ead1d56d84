from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor
from torch.nn.attention.flex_attention import flex_attention

from bench.case import Case
from bench.probes.counts import measure_counts
from reports.figures import Counts

MakeCase = Callable[..., Case]


def warm(case: Case) -> Case:
    with torch.set_grad_enabled(case.upstream is not None):
        case()
    case.clear()
    return case


@pytest.mark.parametrize("variant", ["hatrick", "lsh"])
def test_a_count_is_the_same_again_and_after_other_calls(make_case: MakeCase, variant: str) -> None:
    case = warm(make_case(variant=variant, chunk_size=8, direction="forward+backward"))
    first = measure_counts(case)
    assert first.launches is None
    assert first.graph_breaks == 0
    assert measure_counts(case) == first
    other = measure_counts(warm(make_case(variant=variant, chunk_size=4, seq_len=20)))
    assert other != first
    assert measure_counts(case) == first


def test_random_numbers_gradients_and_grad_mode_stay(make_case: MakeCase) -> None:
    def draws(x: Tensor) -> Tensor:
        return x + torch.randn_like(x)

    case = warm(make_case(draws, direction="forward+backward"))
    case()
    before = case.inputs[0].grad
    values = before.clone() if before is not None else None
    state = torch.get_rng_state()
    with torch.no_grad():
        assert measure_counts(case).operators
        assert not torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), state)
    assert case.inputs[0].grad is before is not None
    assert torch.equal(before, values)


def test_the_backward_is_counted(make_case: MakeCase) -> None:
    forward = measure_counts(warm(make_case()))
    both = measure_counts(warm(make_case(direction="forward+backward")))
    assert (both.flops or 0) > 3 * (forward.flops or 0) > 0
    assert (both.operators or 0) > (forward.operators or 0) > 0


def test_what_fails_takes_nothing_else_with_it(
    make_case: MakeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(case: Case) -> int:
        raise RuntimeError("no luck")

    monkeypatch.setattr("bench.probes.graph_breaks.count_graph_breaks", fails)
    found = measure_counts(warm(make_case()))
    assert found.graph_breaks is None
    assert found.flops
    monkeypatch.setattr("bench.probes.dispatch.count_dispatched", fails)
    nothing = Counts(flops=None, operators=None, launches=None, graph_breaks=None)
    assert measure_counts(warm(make_case())) == nothing


def compiled_case(make_case: MakeCase) -> Case:
    """A call of which torch.compile has made a part, by whichever backend."""
    part = torch.compile(lambda x: x @ x.mT @ x, backend="aot_eager", dynamic=False)
    return warm(make_case(lambda x: part(x) + x))


def test_what_compiled_code_hides_is_not_counted(make_case: MakeCase) -> None:
    found = measure_counts(compiled_case(make_case))
    assert (found.flops, found.operators) == (None, None)


def test_compiled_code_is_never_shown_to_the_dispatchers_count(
    make_case: MakeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or torch would compile it once more, or run it uncompiled from then on."""
    monkeypatch.setattr("bench.probes.counts.COMPILED", "a name that the profiler does not give")
    compiled = []

    def backend(graph: torch.fx.GraphModule, _: Any) -> Callable[..., Any]:
        compiled.append(graph)
        return graph.forward

    part = torch.compile(lambda x: x @ x.mT @ x, backend=backend, dynamic=False)
    case = warm(make_case(lambda x: part(x) + x))
    found = measure_counts(case)
    assert (found.flops, found.operators) == (None, None)
    with torch.no_grad():
        case()
    assert len(compiled) == 1


def test_flex_attention_has_no_flops_and_one_graph(
    make_case: MakeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As `hatrick.flex` compiles it, without the minute that making C++ of it may take.
    kernel = torch.compile(flex_attention, backend="aot_eager", dynamic=False, fullgraph=True)
    monkeypatch.setattr("hatrick.flex._compiled", lambda device_type: kernel)
    monkeypatch.setattr("hatrick.flex.compile_reason", lambda device: "")
    found = measure_counts(warm(make_case(backend_used="flex")))
    assert found == Counts(flops=None, operators=None, launches=None, graph_breaks=0)


class Event:
    is_user_annotation = False

    def __init__(self, key: str, device: str, count: int, **changes: Any) -> None:
        self.key, self.count = key, count
        self.device_type = SimpleNamespace(name=device)
        self.__dict__ |= changes


class OnDevice:
    """A case, as far as it is looked at."""

    inputs = (SimpleNamespace(is_cuda=True, device=torch.device("cuda:0"), grad=None),)
    layer = SimpleNamespace(parameters=lambda: ())
    upstream = None
    done: ClassVar[list[str]] = []

    def clear(self) -> None:
        self.done.append("clear")

    def __call__(self) -> None:
        self.done.append("call")


@pytest.mark.parametrize(("last", "launches"), [(3, 5), (4, None)])
def test_on_cuda_kernels_are_counted_in_two_calls_that_must_agree(
    monkeypatch: pytest.MonkeyPatch, last: int, launches: int | None
) -> None:
    kernels = iter([3, last])

    class Recorded:
        def __enter__(self) -> Recorded:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def key_averages(self) -> list[Event]:
            return [
                Event("aten::mm", "CPU", 7),
                Event("cudaLaunchKernel", "CPU", 5),
                Event("gemm", "CUDA", next(kernels)),
                Event("softmax", "CUDA", 2),
                Event("Memcpy DtoD (Device -> Device)", "CUDA", 4),
                Event("Memset (Device)", "CUDA", 1),
                Event("span", "CUDA", 1, is_user_annotation=True),
                Event("Torch-Compiled Region: 0/0", "CPU", 1),
            ]

    monkeypatch.setattr("bench.probes.counts.profile", lambda activities: Recorded())
    monkeypatch.setattr("torch.cuda.synchronize", lambda device: OnDevice.done.append("wait"))
    monkeypatch.setattr("torch.random.fork_rng", lambda devices: torch.no_grad())
    monkeypatch.setattr("bench.probes.graph_breaks.count_graph_breaks", lambda case: 0)
    OnDevice.done.clear()
    found = measure_counts(OnDevice())  # type: ignore[arg-type]
    assert found == Counts(flops=None, operators=None, launches=launches, graph_breaks=0)
    assert OnDevice.done == ["wait", "clear", "call", "wait"] * 2


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_kernels_of_two_sums_are_two_on_cuda(make_case: MakeCase) -> None:
    case = warm(make_case(lambda x: x + 1 + x, device="cuda:0", seq_len=256))
    assert measure_counts(case) == Counts(flops=0, operators=2, launches=2, graph_breaks=0)
