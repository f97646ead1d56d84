from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import torch

CPU = torch.device("cpu")
Seeded = Callable[[torch.device, int], AbstractContextManager[None]]


@pytest.fixture
def seeded() -> Seeded:
    # Not above: to import the peers is to register them, at collection for all other tests too.
    found: Seeded = importlib.import_module("variants.peers.seeded").seeded
    return found


def test_draws_repeat_within_and_go_on_outside(seeded: Seeded) -> None:
    torch.manual_seed(11)
    expected = [torch.rand(3), torch.rand(3)]
    torch.manual_seed(11)
    drawn = [torch.rand(3)]
    with seeded(CPU, 5):
        first = torch.randn(4)
    with seeded(CPU, 5):
        assert torch.equal(torch.randn(4), first)
    with seeded(CPU, 6):
        assert not torch.equal(torch.randn(4), first)
    drawn.append(torch.rand(3))
    assert torch.equal(torch.stack(drawn), torch.stack(expected))


def test_an_error_gives_the_state_back(seeded: Seeded) -> None:
    before = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), seeded(CPU, 5):
        torch.rand(1) / (1 // 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_on_cuda_it_is_that_devices_generator(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    generators = (torch.Generator().manual_seed(1), torch.Generator().manual_seed(2))
    monkeypatch.setattr(torch.cuda, "default_generators", generators)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    for device, index in (("cuda", 0), ("cuda:1", 1)):
        before = [generator.get_state() for generator in generators]
        with seeded(torch.device(device), 5):
            assert generators[index].initial_seed() == 5
            assert generators[1 - index].initial_seed() != 5
        after = [generator.get_state() for generator in generators]
        assert all(map(torch.equal, before, after))
