from __future__ import annotations

import copy
import io
import warnings
from collections import OrderedDict
from typing import Any

import pytest
import torch
from torch import nn

import variants
from hatrick import HATrick

OTHER = "chunk_size=8, and this layer has chunk_size=4"


def saved(module: nn.Module) -> Any:
    """Its state_dict after a file that trusts nobody."""
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def model(chunk_size: int) -> nn.Module:
    return nn.Sequential(OrderedDict(first=nn.Linear(8, 8), attend=HATrick(8, 2, chunk_size)))


def heard(module: nn.Module, state: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        module.load_state_dict(state)
    return [str(each.message) for each in caught]


def test_weights_of_another_chunk_size_warn_with_both() -> None:
    (sentence,) = heard(HATrick(8, 2, 4), saved(HATrick(8, 2, 8)))
    assert sentence.startswith("these weights were made with ")
    assert OTHER in sentence
    assert heard(HATrick(8, 2, 8), saved(HATrick(8, 2, 8))) == []


def test_within_a_model_it_is_said_of_which_layer() -> None:
    (sentence,) = heard(model(4), saved(model(8)))
    assert sentence.startswith("attend: these weights")
    assert heard(model(8), saved(model(8))) == []


@pytest.mark.parametrize("wrap", [copy.deepcopy, torch.compile])
def test_copied_and_compiled_layers_remember(wrap: Any) -> None:
    (sentence,) = heard(wrap(HATrick(8, 2, 4)), saved(wrap(HATrick(8, 2, 8))))
    assert OTHER in sentence


def test_what_has_no_metadata_loads_in_silence() -> None:
    state = saved(HATrick(8, 2, 8))
    assert heard(HATrick(8, 2, 4), dict(state)) == []
    del state._metadata[""]["chunk_size"]
    assert heard(HATrick(8, 2, 4), state) == []


def test_a_plain_dict_may_be_filled() -> None:
    layer = HATrick(8, 2, 8)
    filled = layer.state_dict(destination={})
    assert filled.keys() == layer.state_dict().keys()


@pytest.mark.parametrize("name", ["hatrick", "lsh", "sliding_window"])
def test_a_variant_says_it_once(name: str) -> None:
    def make(chunk_size: int) -> nn.Module:
        return variants.create(name, variants.AttentionConfig(8, 2, chunk_size=chunk_size))

    (sentence,) = heard(make(4), saved(make(8)))
    assert OTHER in sentence
    assert heard(make(8), saved(make(8))) == []


@pytest.mark.parametrize(
    ("name", "options"), [("full", {}), ("sliding_window", {"left": 3, "right": 3})]
)
def test_a_variant_without_chunks_has_nothing_to_say(name: str, options: dict[str, int]) -> None:
    def make(chunk_size: int) -> nn.Module:
        config = variants.AttentionConfig(8, 2, chunk_size=chunk_size)
        return variants.create(name, config, **options)

    assert heard(make(4), saved(make(8))) == []
