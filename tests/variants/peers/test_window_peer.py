from __future__ import annotations

import pytest
import torch

import variants
from variants import AttentionConfig

CPU = torch.device("cpu")


@pytest.mark.parametrize(("name", "least"), [("local_attention", 2), ("hf_longformer", 4)])
def test_a_smaller_chunk_than_it_takes_is_told_with_the_least(name: str, least: int) -> None:
    pytest.importorskip(variants.get(name).package.replace("-", "_"))
    config = AttentionConfig(8, 2, chunk_size=least - 1)
    support = variants.get(name).support(config, CPU, torch.float32)
    assert support.reason == f"{name} needs a chunk_size of at least {least}, got {least - 1}"
    enough = AttentionConfig(8, 2, chunk_size=least)
    assert variants.get(name).support(enough, CPU, torch.float32).ok
    assert variants.get(name).chunked(variants.parse_options(name, {}))


@pytest.mark.parametrize("name", ["local_attention", "hf_longformer"])
def test_the_sides_follow_from_the_chunk_size_alone(name: str) -> None:
    with pytest.raises(ValueError, match="no option 'left'; it has none"):
        variants.parse_options(name, {"left": 3})
