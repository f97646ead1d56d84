from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from bench.case import Case, build
from bench.cost import model_cost
from bench.probes.dispatch import _Counter, count_dispatched
from reports.schema import Point

MakeCase = Callable[..., Case]
MakePoint = Callable[..., Point]
DIRECTIONS = ("forward", "forward+backward")
EAGER = [
    ("full", "sdpa"),
    ("full", "plain"),
    ("hatrick", "fused"),
    ("hatrick", "sdpa"),
    ("hatrick", "plain"),
    ("lsh", "sdpa"),
    ("lsh", "plain"),
    ("sliding_window", "sdpa"),
    ("sliding_window", "plain"),
]
"""Every variant and backend that runs on any CPU without compiled code."""


def counted(case: Case) -> tuple[int | None, int]:
    with torch.set_grad_enabled(case.upstream is not None):
        case()
        case.clear()
        found = count_dispatched(case)
        case.clear()
    return found


def dispatched(call: Callable[[], object]) -> tuple[int | None, int]:
    with _Counter() as counter:
        call()
    return (None if counter.unknown else counter.flops), counter.operators


def from_recorded_shapes(case: Case) -> int:
    """FLOPs by the shapes that the profiler saw, which looks on from below, at all that runs."""
    activities = [ProfilerActivity.CPU]
    with torch.set_grad_enabled(case.upstream is not None):
        with profile(activities=activities, record_shapes=True) as recorded:
            case()
        case.clear()
    total = 0
    for event in recorded.events():
        shapes: Any = event.input_shapes
        match event.name.rstrip("_"):
            case "aten::mm" | "aten::bmm":
                total += 2 * prod(shapes[0]) * shapes[1][-1]
            case "aten::addmm" | "aten::baddbmm":
                total += 2 * prod(shapes[1]) * shapes[2][-1]
            case "mkldnn::_linear_pointwise":
                # The overload that adds something has it in second place, shaped as the output.
                adds = len(shapes[1]) == len(shapes[2]) == 2
                total += 2 * prod(shapes[0]) * shapes[2 if adds else 1][0]
            case "aten::_scaled_dot_product_flash_attention_for_cpu":
                total += 4 * prod(shapes[0]) * shapes[1][2]
            case "aten::_scaled_dot_product_flash_attention_for_cpu_backward":
                total += 10 * prod(shapes[1]) * shapes[2][2]
    return total


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("variant", "backend"), EAGER)
def test_flops_are_those_of_all_shapes_that_ran(
    make_point: MakePoint, variant: str, backend: str, causal: bool, direction: str
) -> None:
    point = make_point(
        variant=variant,
        backend_used=backend,
        chunk_size=None if variant == "full" else 32,
        direction=direction,
        causal=causal,
        # Long and wide enough for oneDNN's product and for more than one block; the tail is ragged.
        seq_len=300,
        dim=128,
        heads=4,
    )
    case = build(point)
    flops, operators = counted(case)
    assert flops == from_recorded_shapes(case)
    assert operators > 0


@pytest.mark.parametrize("scope", ["layer", "core"])
def test_plain_full_attention_does_what_its_cost_says(make_point: MakePoint, scope: str) -> None:
    for direction in DIRECTIONS:
        point = make_point(backend_used="plain", direction=direction, scope=scope)
        cost = model_cost(point)
        assert cost is not None
        assert counted(build(point))[0] == cost.flops


def test_flash_attention_makes_the_scores_once_more_in_its_backward(make_point: MakePoint) -> None:
    point = make_point(backend_used="sdpa", direction="forward+backward")
    cost = model_cost(point)
    assert cost is not None
    scores = 2 * point.batch * point.seq_len**2 * point.dim
    assert counted(build(point))[0] == cost.flops + scores


@pytest.mark.parametrize("backend", ["plain", "sdpa"])
def test_hatrick_in_whole_chunks_does_what_its_cost_says(
    make_point: MakePoint, backend: str
) -> None:
    point = make_point(variant="hatrick", backend_used=backend, chunk_size=8, batch=1)
    cost = model_cost(point)
    assert cost is not None
    assert counted(build(point))[0] == cost.flops


def test_hatrick_is_counted_on_its_fused_path_and_no_other(make_point: MakePoint) -> None:
    """Which is left where all modules have hooks, as torch's own counter gives them."""
    changes = {"variant": "hatrick", "chunk_size": 8, "direction": "forward+backward"}
    fused, stepwise = (
        counted(build(make_point(backend_used=backend, **changes))) for backend in ("fused", "sdpa")
    )
    assert fused[1] != stepwise[1]


def test_in_place_products_are_products() -> None:
    total, a, b = torch.zeros(4, 6), torch.ones(4, 5), torch.ones(5, 6)
    assert dispatched(lambda: total.addmm_(a, b)) == (2 * 4 * 5 * 6, 1)


def test_views_and_sums_are_operators_without_flops() -> None:
    x = torch.ones(4, 6)
    assert dispatched(lambda: (x + 1).softmax(-1).view(-1)) == (0, 3)


@torch.library.custom_op("hatrick_test::product", mutates_args=())
def product(a: Tensor, b: Tensor) -> Tensor:
    return a @ b + 1


def test_a_custom_operator_is_looked_into_if_it_is_this_projects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a = torch.ones(3, 4)
    assert dispatched(lambda: product(a, a.mT)) == (None, 2)
    monkeypatch.setattr("bench.probes.dispatch.OWN_PACKAGES", (__name__.partition(".")[0],))
    assert dispatched(lambda: product(a, a.mT)) == (2 * 3 * 4 * 3, 4)


def test_a_product_without_a_formula_is_not_counted_as_nothing() -> None:
    a, b = torch.ones(3, 4), torch.ones(4)
    assert dispatched(lambda: torch.mv(a, b))[0] is None
    assert dispatched(lambda: torch.cdist(a, a))[0] is None


def test_an_operator_of_a_library_is_not_counted_as_nothing() -> None:
    library = torch.library.Library("hatrick_test_opaque", "DEF")
    library.define("copy(Tensor x) -> Tensor")
    library.impl("copy", lambda x: x.clone(), "CPU")
    assert dispatched(lambda: torch.ops.hatrick_test_opaque.copy(torch.ones(2)))[0] is None


def on_meta(*shape: int) -> Tensor:
    return torch.empty(*shape, device="meta", dtype=torch.bfloat16)


def test_the_attention_of_cuda_is_two_products_and_its_backward_five() -> None:
    """By shapes alone: these operators run on CUDA only."""
    q, k = on_meta(2, 3, 16, 8), on_meta(2, 3, 24, 8)
    ops = torch.ops.aten
    one = 2 * 2 * 3 * 16 * 24 * 8
    assert dispatched(lambda: ops._scaled_dot_product_flash_attention(q, k, k))[0] == 2 * one
    forward = dispatched(lambda: ops._scaled_dot_product_efficient_attention(q, k, k, None, True))
    assert forward[0] == 2 * one
    lse, seed = on_meta(2, 3, 16).float(), torch.empty((), device="meta", dtype=torch.int64)
    backward = dispatched(
        lambda: ops._scaled_dot_product_efficient_attention_backward(
            q, q, k, k, None, q, lse, seed, seed, 0.0, [True, True, True, False]
        )
    )
    assert backward[0] == 5 * one


def test_the_attention_that_xformers_calls_has_its_tokens_before_its_heads() -> None:
    q, k = on_meta(2, 16, 3, 8), on_meta(2, 24, 3, 8)
    ops, one = torch.ops.aten, 2 * 2 * 3 * 16 * 24 * 8
    none = (None, None, None, None, None)
    forward = dispatched(lambda: ops._efficient_attention_forward(q, k, k, *none, 0.0, 0, True))
    assert forward[0] == 2 * one
    lse, seed = on_meta(2, 3, 16).float(), torch.empty((), device="meta", dtype=torch.int64)
    rest = (None, q, None, None, 16, 24, lse, 0.0, seed, seed, 0, False)
    backward = dispatched(lambda: ops._efficient_attention_backward(q, q, k, k, *rest))
    assert backward[0] == 5 * one


@pytest.mark.parametrize(("window", "known"), [(None, True), (-1, True), (0, False), (4, False)])
def test_a_kernel_that_skips_pairs_by_a_window_has_no_count(
    window: int | None, known: bool
) -> None:
    q = on_meta(2, 16, 3, 8)
    flops, _ = dispatched(
        lambda: torch.ops.aten._flash_attention_forward(
            *(q, q, q, None, None, 16, 16, 0.0, False, False), window_size_left=window
        )
    )
    assert flops == (4 * 2 * 3 * 16 * 16 * 8 if known else None)


def test_sequences_of_their_own_lengths_have_no_count() -> None:
    q = on_meta(32, 3, 8)
    ends = torch.empty(3, device="meta", dtype=torch.int32)
    flops, _ = dispatched(
        lambda: torch.ops.aten._flash_attention_forward(
            *(q, q, q, ends, ends, 16, 16, 0.0, False, False)
        )
    )
    assert flops is None
