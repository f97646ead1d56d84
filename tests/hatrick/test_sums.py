"""Gradients added up block by block."""

from __future__ import annotations

import torch
from layers import random

from hatrick.sums import Sum


def test_many_small_parts_are_added_in_float32_and_returned_in_the_parameters_dtype() -> None:
    like = torch.zeros(1, dtype=torch.bfloat16)
    total = Sum(1, like=like, wanted=True)
    for _ in range(1000):  # in bfloat16 256 + 1 is 256
        total.rows(torch.ones(1, 1, dtype=torch.bfloat16))
    got = total.get()
    assert got is not None
    assert got.dtype == torch.bfloat16
    assert got.item() == torch.tensor(1000.0).bfloat16().item()


def test_products_rows_and_parts_add_up() -> None:
    grad, x = random(6, 3), random(6, 2, seed=2)
    weight, bias = Sum(3, 2, like=x, wanted=True), Sum(3, like=x, wanted=True)
    for part in (slice(0, 4), slice(4, 6)):
        weight.product(grad[part], x[part])
        bias.rows(grad[part])
    bias.add(torch.ones(1, dtype=torch.float64), slice(1, 2))
    torch.testing.assert_close(weight.get(), grad.t() @ x)
    expected = grad.sum(0) + torch.tensor([0.0, 1.0, 0.0])
    torch.testing.assert_close(bias.get(), expected)


def test_what_is_not_wanted_is_none() -> None:
    total = Sum(3, 2, like=torch.zeros(1), wanted=False)
    total.product(torch.ones(4, 3), torch.ones(4, 2))
    total.rows(torch.ones(4, 2))
    total.add(torch.ones(2))
    assert total.get() is None
