from __future__ import annotations

import pytest
import torch
from torch import nn

from variants.peers.handed_over import HandedOver, shape_only


def test_it_gives_what_it_holds_and_keeps_nothing() -> None:
    projection, tensor = HandedOver(), torch.ones(2)
    with projection.holding(tensor):
        assert projection(torch.zeros(5)) is tensor
        with pytest.raises(AssertionError, match="within"):
            projection(torch.zeros(5))
    assert projection._tensor is None
    assert not list(projection.parameters())
    assert isinstance(projection, nn.Module)


def test_an_error_lets_go_too() -> None:
    projection = HandedOver()
    with pytest.raises(RuntimeError), projection.holding(torch.ones(2)):
        raise RuntimeError
    assert projection._tensor is None


def test_a_shape_takes_one_element() -> None:
    like = torch.ones(3, dtype=torch.bfloat16)
    shape = shape_only(like, 2, 3, 4)
    assert (shape.shape, shape.dtype) == ((2, 3, 4), torch.bfloat16)
    assert shape.untyped_storage().nbytes() == 2
