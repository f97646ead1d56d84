from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bench.selftest import memory

CPU = torch.device("cpu")


def test_the_known_peaks_are_found_to_the_byte() -> None:
    check = memory.check_memory(CPU)
    assert check.found == "3 known peaks, each to the byte"
    assert check.passed


def test_a_single_byte_more_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_more(x: Tensor) -> Tensor:
        extra = torch.empty(1, dtype=torch.uint8)
        out = x @ x
        del extra
        return out

    monkeypatch.setattr(memory, "_product", one_more)
    check = memory.check_memory(CPU)
    assert not check.passed
    assert check.found == "a product takes 65536 bytes and 65537 were counted"
