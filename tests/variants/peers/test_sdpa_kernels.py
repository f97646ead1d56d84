from __future__ import annotations

import pytest
import torch
from layers import make_layer, random
from torch.nn.attention import SDPBackend

import variants
from variants import AttentionConfig

NAMES = ["sdpa_flash", "sdpa_cudnn", "sdpa_efficient"]


def test_each_has_a_kernel_of_its_own() -> None:
    kernels = {variants.get(name).kernel for name in NAMES}  # type: ignore[attr-defined]
    assert len(kernels) == 3


@pytest.mark.parametrize("name", NAMES)
def test_only_cuda_has_the_choice(name: str) -> None:
    for device in ("cpu", "cuda"):
        support = variants.get(name).support(
            AttentionConfig(8, 2), torch.device(device), torch.float32
        )
        assert support.ok == (device == "cuda")
    assert (
        variants.get(name).support(AttentionConfig(8, 2), torch.device("cpu"), torch.float32).reason
        == "own: the choice of SDPA's kernels is CUDA's, not cpu's"
    )


@pytest.mark.parametrize("causal", [False, True])
def test_it_is_full_attention_by_that_kernel_alone(
    causal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = make_layer("sdpa_flash", causal=causal)
    x = random(2, 10, 8)
    torch.testing.assert_close(layer(x), layer.oracle(x))
    monkeypatch.setattr(type(layer), "kernel", SDPBackend.CUDNN_ATTENTION)
    with pytest.raises(RuntimeError, match=r"No viable backend|No available kernel"):
        layer(x)
