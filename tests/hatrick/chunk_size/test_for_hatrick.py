from __future__ import annotations

import pytest
import torch
from tuned import START, calibration, profile, tuned

import hatrick
from hatrick import HATrick
from hatrick.chunk_size import for_hatrick, store
from hatrick.chunk_size.choose import Choice
from hatrick.chunk_size.wanted import CostOf, Wanted
from hatrick.cost import hatrick_cost

pytestmark = pytest.mark.filterwarnings("ignore:chunk_size=")


def test_a_layer_takes_its_chunk_size_from_a_profile_and_says_so() -> None:
    store.save(profile(tuned(1024, 192)))
    layer = HATrick(64, 4, "auto", seq_len=1024)
    assert layer.chunk_size == 192
    assert layer.chunk_size_source.startswith("profile ")
    assert f"chunk_size_source={layer.chunk_size_source!r}" in repr(layer)
    assert layer(torch.zeros(1, 40, 64)).shape == (1, 40, 64)


def test_all_that_the_layer_is_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Wanted, CostOf]] = []

    def choose(wanted: Wanted, cost: CostOf) -> Choice:
        asked.append((wanted, cost))
        return Choice(32, "a test")

    monkeypatch.setattr(for_hatrick, "choose", choose)
    layer = HATrick(
        64, 4, "auto", True, device="cpu", dtype=torch.bfloat16, backend="sdpa", seq_len=512
    )
    ((wanted, cost),) = asked
    assert (layer.chunk_size, layer.chunk_size_source) == (32, "a test")
    assert (wanted.variant, wanted.dim, wanted.heads, wanted.causal) == ("hatrick", 64, 4, True)
    assert (wanted.backend, wanted.seq_len, wanted.options) == ("sdpa", 512, {})
    assert (wanted.dtype_name, wanted.place) == ("bfloat16", torch.device("cpu"))
    assert (wanted.direction, wanted.batch) == (None, None)
    once = hatrick_cost(64, 16, 1, 512, causal=True, element_size=2)
    assert (cost(16, "forward"), cost(16, "forward+backward")) == (once, once * 3)


def test_a_calibration_is_of_some_use() -> None:
    store.save_calibration(calibration(ms_per_flop=0, ms_per_byte=0))
    assert HATrick(64, 4, "auto", seq_len=512).chunk_size == 512
    assert f"{START:%Y-%m-%d}" in HATrick(64, 4, "auto", seq_len=512).chunk_size_source


def test_it_is_asked_for_by_its_own_name() -> None:
    assert hatrick.choose_chunk_size is for_hatrick.choose_chunk_size


def test_what_a_layer_does_not_know_can_be_asked_for() -> None:
    store.save(profile(tuned(512, 32), direction="forward", batch=4))
    store.save(profile(tuned(512, 64), direction="forward+backward"))
    assert hatrick.choose_chunk_size(64, 4, 512).chunk_size == 64
    assert hatrick.choose_chunk_size(64, 4, 512, direction="forward").chunk_size == 32
    assert hatrick.choose_chunk_size(64, 4, 512, batch=4).chunk_size == 32
