from __future__ import annotations

import importlib

import pytest
import torch

import variants
from variants import AttentionConfig

CPU = torch.device("cpu")
KERNELS = ["sdpa_flash", "sdpa_cudnn", "sdpa_efficient"]
NEEDS = {
    "hf_longformer": "transformers",
    "hf_reformer": "transformers",
    "local_attention": "local-attention",
    "reformer_pytorch": "reformer-pytorch",
}


def test_the_plug_in_registers_them_all(peers: list[str]) -> None:
    assert sorted(peers) == sorted(
        [*NEEDS, "torch_mha", "matrix_product", "hatrick_compiled", *KERNELS]
    )


@pytest.mark.parametrize(("name", "package"), NEEDS.items())
def test_without_its_package_a_peer_says_what_to_install(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("variants.peers.peer.find_spec", lambda _: None)
    config = AttentionConfig(8, 2, chunk_size=4)
    reason = f"{package} is not installed; pip install 'hatrick-bench[peers]'"
    assert variants.get(name).support(config, CPU, torch.float32).reason == reason
    with pytest.raises(ValueError, match="is not installed"):
        variants.create(name, config)
    # What needs no package is there all the same.
    assert variants.get(name).cost(config, 1, 64, "forward") is not None
    assert variants.get("matrix_product").support(config, CPU, torch.float32).ok


@pytest.mark.parametrize("name", NEEDS)
def test_padding_is_refused_by_name(name: str) -> None:
    pytest.importorskip(NEEDS[name].replace("-", "_"))
    layer = variants.create(name, AttentionConfig(8, 2, chunk_size=4))
    with pytest.raises(ValueError, match=f"{name} is adapted without padding"):
        layer(torch.zeros(1, 16, 8), key_padding_mask=torch.zeros(1, 16, dtype=torch.bool))


@pytest.mark.parametrize("name", [*NEEDS, "torch_mha"])
def test_cost_is_that_of_our_variant_of_the_same_function(name: str) -> None:
    cls, config = variants.get(name), AttentionConfig(64, 4, chunk_size=16)
    own = {"hf_longformer": "sliding_window", "local_attention": "sliding_window"}
    same = variants.get("full" if name == "torch_mha" else own.get(name, "lsh"))
    for direction in ("forward", "forward+backward"):
        assert cls.cost(config, 2, 256, direction) == same.cost(config, 2, 256, direction)
    assert cls.parameter_count(config) == same.parameter_count(config)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("scope", ["layer", "core"])
@pytest.mark.parametrize("name", NEEDS)
def test_the_least_memory_is_what_any_attention_takes(
    name: str, scope: str, training: bool
) -> None:
    """Ours keeps tensors of its own at the same time; theirs may keep fewer."""
    config = AttentionConfig(64, 4, chunk_size=16)
    inputs = len(variants.get(name).core_tensors)
    least = variants.get(name).least_workspace(
        config, 1, 4096, "forward+backward" if training else "forward", scope=scope
    )
    one = 4096 * 64 * 4
    if scope == "core":
        assert least == one * (1 + inputs * training)
    else:
        assert least == one * (2 + inputs if training else 1 + inputs)


def test_a_length_that_does_not_fit_is_told_with_the_one_that_does() -> None:
    # Not above: to import the peers is to register them, at collection for all other tests too.
    peer = importlib.import_module("variants.peers.peer")
    peer.check_multiple("them", 64, 32)
    with pytest.raises(ValueError, match="them needs a seq_len that is a multiple of 32, got 65"):
        peer.check_multiple("them", 65, 32)
