from __future__ import annotations

import importlib
from types import ModuleType

import pytest
import torch
from torch import nn


@pytest.fixture
def handed_over() -> ModuleType:
    # Not above: to import the peers is to register them, at collection for all other tests too.
    return importlib.import_module("variants.peers.handed_over")


def test_it_gives_what_it_holds_and_keeps_nothing(handed_over: ModuleType) -> None:
    projection, tensor = handed_over.HandedOver(), torch.ones(2)
    with projection.holding(tensor):
        assert projection(torch.zeros(5)) is tensor
        with pytest.raises(AssertionError, match="within"):
            projection(torch.zeros(5))
    assert projection._tensor is None
    assert not list(projection.parameters())
    assert isinstance(projection, nn.Module)


def test_an_error_lets_go_too(handed_over: ModuleType) -> None:
    projection = handed_over.HandedOver()
    with pytest.raises(RuntimeError), projection.holding(torch.ones(2)):
        raise RuntimeError
    assert projection._tensor is None


def test_a_shape_takes_one_element(handed_over: ModuleType) -> None:
    like = torch.ones(3, dtype=torch.bfloat16)
    shape = handed_over.shape_only(like, 2, 3, 4)
    assert (shape.shape, shape.dtype) == ((2, 3, 4), torch.bfloat16)
    assert shape.untyped_storage().nbytes() == 2
