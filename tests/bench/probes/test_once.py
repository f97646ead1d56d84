from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch

from bench.probes.once import Once
from hatrick import flex

CPU = torch.device("cpu")


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Seconds that torch.compile says it has spent."""
    seconds = {"total_wall_time": 5.0}
    fake = SimpleNamespace(calculate_time_spent=lambda: dict(seconds))
    monkeypatch.setitem(sys.modules, "torch._dynamo.utils", fake)
    return seconds


def test_compilation_within_the_block_counts_and_no_other(spent: dict[str, float]) -> None:
    with Once() as once:
        spent["total_wall_time"] += 1.25
    spent["total_wall_time"] += 7.0
    assert once.compile_ms == pytest.approx(1250.0)
    assert once.mask_ms == 0.0


def test_torch_tells_what_it_needs_to_be_asked() -> None:
    """The fake above is of this function."""
    from torch._dynamo.utils import calculate_time_spent

    assert calculate_time_spent()["total_wall_time"] >= 0.0


def test_what_was_never_imported_has_compiled_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch._dynamo.utils", raising=False)
    with Once() as once:
        pass
    assert once.compile_ms == 0.0
    assert "torch._dynamo.utils" not in sys.modules


def test_the_import_of_the_compiler_within_the_block_counts_from_zero(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "torch._dynamo.utils", raising=False)
    fake = SimpleNamespace(calculate_time_spent=lambda: {"total_wall_time": 2.0})
    with Once() as once:
        monkeypatch.setitem(sys.modules, "torch._dynamo.utils", fake)
    assert once.compile_ms == 2000.0


def test_a_mask_is_counted_when_it_is_built_and_not_when_it_is_kept() -> None:
    flex._kept_band_mask.cache_clear()
    with Once() as first:
        flex._kept_band_mask(256, 16, 16, CPU)
    with Once() as second:
        flex._kept_band_mask(256, 16, 16, CPU)
    assert first.mask_ms > 0.0
    assert second.mask_ms == 0.0


def test_an_error_in_the_block_is_not_swallowed() -> None:
    with pytest.raises(ValueError, match="no luck"), Once():
        raise ValueError("no luck")
