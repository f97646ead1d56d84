from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from bench.case import Case, build
from reports.schema import Point
from variants import WrongShape

MakePoint = Callable[..., Point]
MakeCase = Callable[..., Case]


def test_inputs_and_parameters_come_from_the_seed_alone(make_point: MakePoint) -> None:
    point = make_point()
    first = build(point)
    torch.rand(7)
    build(make_point(seq_len=99, seed=5))
    second = build(point)
    assert torch.equal(first.inputs[0], second.inputs[0])
    for a, b in zip(first.parameters, second.parameters, strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first.inputs[0], build(make_point(seed=1)).inputs[0])


def test_building_leaves_the_random_state_alone(make_point: MakePoint) -> None:
    before = torch.get_rng_state()
    build(make_point(direction="forward+backward"))
    assert torch.equal(torch.get_rng_state(), before)


def test_every_variant_dtype_and_direction_gets_the_same_input(make_point: MakePoint) -> None:
    x = build(make_point()).inputs[0]
    assert torch.equal(build(make_point(variant="hatrick", chunk_size=8)).inputs[0], x)
    assert torch.equal(build(make_point(direction="forward+backward")).inputs[0], x)
    assert torch.equal(build(make_point(dtype="bfloat16")).inputs[0], x.bfloat16())


def test_both_directions_have_the_same_parameters(make_point: MakePoint) -> None:
    forward, both = build(make_point()), build(make_point(direction="forward+backward"))
    for a, b in zip(forward.parameters, both.parameters, strict=True):
        assert torch.equal(a, b)


def test_parameters_are_not_the_inputs_random_numbers_again(make_point: MakePoint) -> None:
    case = build(make_point(seq_len=512))
    x, weight = case.inputs[0].flatten(), case.layer.in_proj.weight.flatten()  # type: ignore[union-attr]
    size = min(len(x), len(weight))
    correlation = torch.corrcoef(torch.stack([x[:size], weight[:size]]))[0, 1]
    assert abs(float(correlation)) < 4 / size**0.5


def test_forward_needs_no_gradient(make_point: MakePoint) -> None:
    case = build(make_point())
    assert not case().requires_grad
    assert not case.layer.training


def test_backward_reaches_inputs_and_parameters_and_does_not_accumulate(
    make_point: MakePoint,
) -> None:
    case = build(make_point(direction="forward+backward"))
    case()
    leaves = [*case.inputs, *case.parameters]
    first = [leaf.grad for leaf in leaves]
    assert all(gradient is not None for gradient in first)
    case.clear()
    assert all(leaf.grad is None for leaf in leaves)
    case()
    for leaf, gradient in zip(leaves, first, strict=True):
        torch.testing.assert_close(leaf.grad, gradient)


@pytest.mark.parametrize(("variant", "tensors"), [("full", 3), ("lsh", 2)])
def test_a_core_gets_its_tensors_and_has_no_parameters(
    make_point: MakePoint, variant: str, tensors: int
) -> None:
    chunk = None if variant == "full" else 8
    case = build(make_point(variant=variant, chunk_size=chunk, scope="core"))
    assert [tuple(t.shape) for t in case.inputs] == [(2, 2, 24, 8)] * tensors
    assert case().shape == (2, 2, 24, 8)
    assert case.parameters == []


def test_a_wrong_shape_is_refused(make_case: MakeCase) -> None:
    case = make_case(lambda x: x[:, :-1])
    with pytest.raises(WrongShape, match=r"\(2, 23, 16\), expected \(2, 24, 16\)"):
        case()
