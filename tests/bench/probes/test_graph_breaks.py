from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from bench.case import Case
from bench.probes.graph_breaks import count_graph_breaks

MakeCase = Callable[..., Case]


def whole(x: Tensor) -> Tensor:
    return (x * 2).sin()


def broken(x: Tensor) -> Tensor:
    y = x.sin()
    torch._dynamo.graph_break()
    y = y.cos()
    torch._dynamo.graph_break()
    return y + x


def by_value(x: Tensor) -> Tensor:
    return x.sin() if float(x.detach().sum()) > 0 else x.cos()


def waits(x: Tensor) -> Tensor:
    """`fullgraph=True` would take it whole."""
    return x.sin() * float(x.detach().sum())


def callee(x: Tensor) -> Tensor:
    y = x + 1
    torch._dynamo.graph_break()
    return y.sin()


def through_a_call(x: Tensor) -> Tensor:
    """Four graphs: before the call, two in it, and behind it."""
    return callee(x.cos()) * 2


def breaks_first(x: Tensor) -> Tensor:
    torch._dynamo.graph_break()
    return x.sin()


@pytest.mark.parametrize(
    ("variant", "backend", "direction"),
    [
        ("full", "sdpa", "forward"),
        ("hatrick", "fused", "forward+backward"),
        ("hatrick", "plain", "forward"),
        ("lsh", "sdpa", "forward+backward"),
        ("sliding_window", "sdpa", "forward"),
    ],
)
def test_the_attentions_here_are_one_graph(
    make_case: MakeCase, variant: str, backend: str, direction: str
) -> None:
    chunk = None if variant == "full" else 8
    case = make_case(variant=variant, backend_used=backend, chunk_size=chunk, direction=direction)
    with torch.set_grad_enabled(case.upstream is not None):
        assert count_graph_breaks(case) == 0


@pytest.mark.parametrize(
    ("function", "breaks"),
    [(whole, 0), (broken, 2), (by_value, 1), (waits, 1), (through_a_call, 3), (breaks_first, 1)],
)
def test_breaks_are_counted_and_counting_again_gives_the_same(
    make_case: MakeCase, function: Callable[[Tensor], Tensor], breaks: int
) -> None:
    case = make_case(function)
    assert [count_graph_breaks(case) for _ in range(2)] == [breaks] * 2


def test_a_graph_that_is_whole_is_traced_and_never_run(make_case: MakeCase) -> None:
    def changes_its_input(x: Tensor) -> Tensor:
        seen.append(x)
        return x.add_(1)

    seen: list[Tensor] = []
    case = make_case(changes_its_input)
    before = case.inputs[0].clone()
    assert count_graph_breaks(case) == 0
    assert torch.equal(case.inputs[0], before)
    assert seen == []


def test_many_points_do_not_reach_the_limit_of_recompilations(make_case: MakeCase) -> None:
    with torch._dynamo.config.patch(recompile_limit=2):
        counts = [count_graph_breaks(make_case(breaks_first, seq_len=8 + n)) for n in range(4)]
        assert torch._dynamo.config.recompile_limit == 2
    assert counts == [1] * 4


def test_what_others_have_compiled_stays_compiled(make_case: MakeCase) -> None:
    compiled = []

    def backend(graph: torch.fx.GraphModule, _: Any) -> Callable[..., Any]:
        compiled.append(graph)
        return graph.forward

    case = make_case(broken)
    theirs = torch.compile(broken, backend=backend)
    x = case.inputs[0]
    expected = theirs(x)
    before = len(compiled)
    assert before == 3
    counters = {name: dict(each) for name, each in torch._dynamo.utils.counters.items()}
    assert count_graph_breaks(case) == 2
    assert count_graph_breaks(make_case(callee)) == 1
    assert {name: dict(each) for name, each in torch._dynamo.utils.counters.items()} == counters
    assert torch.equal(theirs(x), expected)
    assert len(compiled) == before


def test_the_layer_is_called_eagerly_afterwards(make_case: MakeCase) -> None:
    seen = []

    def forward(x: Tensor) -> Tensor:
        seen.append(torch.compiler.is_compiling())
        torch._dynamo.graph_break()
        return x.sin()

    case = make_case(forward)
    count_graph_breaks(case)
    del seen[:]
    case()
    assert seen == [False]


def test_what_dynamo_gives_up_on_has_no_count(make_case: MakeCase) -> None:
    def breaks_in_a_loop(x: Tensor) -> Tensor:
        for _ in range(3):
            x = x + 1
            torch._dynamo.graph_break()
        return x

    with pytest.raises(RuntimeError, match="dynamo compiles no part of the forward"):
        count_graph_breaks(make_case(breaks_in_a_loop))
