from __future__ import annotations

import pytest
import torch
from layers import make_layer, random


@pytest.mark.parametrize("masked", [False, True])
def test_output_and_gradients_are_those_of_the_plain_backend(
    masked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled, plain = make_layer("hatrick_compiled"), make_layer("hatrick", backend="plain")
    # What is tested is what is compiled, not the compiler.
    compile_by = torch.compile(compiled.layer.forward, dynamic=False, backend="aot_eager")
    monkeypatch.setattr(compiled, "_compiled", compile_by)
    plain.load_state_dict(compiled.state_dict())
    mask = torch.arange(10).expand(2, 10) >= 7 if masked else None
    results = []
    for layer in (compiled, plain):
        x = random(2, 10, 8).requires_grad_()
        y = layer(x, key_padding_mask=mask)
        y.backward(random(2, 10, 8, seed=2))
        results.append((y.detach(), x.grad, *(p.grad for p in layer.parameters())))
    for mine, theirs in zip(*results, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_it_compiles_with_the_machines_compiler() -> None:
    layer = make_layer("hatrick_compiled", dtype=torch.float32)
    x = random(1, 8, 8, dtype=torch.float32)
    torch.testing.assert_close(layer(x).double(), layer.oracle(x), rtol=1e-4, atol=1e-4)
