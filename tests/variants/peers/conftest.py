"""The peers, registered for these tests alone: others count the variants."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest
import torch
from layers import random
from torch import Tensor

import variants
from variants import Variant

Check = Callable[..., None]


@pytest.fixture(scope="module", autouse=True)
def peers() -> Iterator[list[str]]:
    """Their names."""
    registered = sys.modules["variants.registry"]._variants
    before, loaded = dict(registered), set(sys.modules)
    yield variants.load_plugin("variants.peers")
    registered.clear()
    registered.update(before)
    for module in set(sys.modules) - loaded:
        if module.startswith("variants.peers"):
            del sys.modules[module]


@pytest.fixture
def equals_oracle_and_own() -> Check:
    """Compare a peer's outputs and gradients with its oracle's and with our variant's."""

    def gradients(y: Tensor, x: Tensor, layer: Variant, upstream: Tensor) -> list[Tensor]:
        own = layer.in_proj, layer.out_proj, layer.norm
        inputs = [x, *(p for module in own for p in module.parameters())]
        return list(torch.autograd.grad(y, inputs, upstream, materialize_grads=True))

    def check(layer: Variant, own: Variant, seq_len: int, atol: float, **fixed: Tensor) -> None:
        for name, parameter in own.named_parameters():
            assert torch.equal(parameter, layer.get_parameter(name))
        x = random(2, seq_len, 8).requires_grad_()
        upstream = random(2, seq_len, 8, seed=2)
        got = layer(x, **fixed)
        got_gradients = gradients(got, x, layer, upstream)
        for want, made_by in ((layer.oracle(x, **fixed), layer), (own(x, **fixed), own)):
            torch.testing.assert_close(got, want, rtol=0, atol=atol)
            # Sums over all tokens of values that are some ten times as large as the outputs.
            for mine, theirs in zip(
                got_gradients, gradients(want, x, made_by, upstream), strict=True
            ):
                torch.testing.assert_close(mine, theirs, rtol=0, atol=100 * atol)

    return check
