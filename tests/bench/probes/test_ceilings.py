"""What a device can do at most, on a CPU."""

from __future__ import annotations

import pytest
import torch

from bench.probes import ceilings as module
from bench.probes.ceilings import CeilingsError, ceilings, measure

CPU = torch.device("cpu")


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COPY_BYTES", {"cpu": 1 << 20})
    monkeypatch.setattr(module, "SAMPLING_S", 0.01)
    monkeypatch.setattr(module, "LONG_ENOUGH_S", 0.002)


@pytest.mark.usefixtures("_small")
def test_a_product_and_a_copy_are_sampled_for_every_dtype() -> None:
    found = list(measure(CPU, ["float32", "float64"]))
    assert [ceiling.dtype for ceiling in found] == ["float32", "float64"]
    for ceiling in found:
        assert ceiling.device == "cpu"
        assert ceiling.device_name
        assert len(ceiling.product_ms) >= module.MIN_SAMPLES
        assert len(ceiling.copy_ms) >= module.MIN_SAMPLES
        assert ceiling.copy_bytes == 1 << 20
        assert 1e7 < ceiling.flops_per_s < 1e15
        assert 1e7 < ceiling.bytes_per_s < 1e14


@pytest.mark.usefixtures("_small")
def test_the_matrices_grow_until_a_product_takes_long_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def seconds(call: object, device: torch.device, times: int) -> list[float]:
        rows = sizes[-1] if sizes else 1
        return [2.0 * rows**3 / 1e12] * times

    sizes: list[int] = []
    product = module._product

    def sized(rows: int, device: torch.device, dtype: str) -> object:
        sizes.append(rows)
        return product(8, device, dtype)

    monkeypatch.setattr(module, "_product", sized)
    monkeypatch.setattr(module, "_seconds", seconds)
    (ceiling,) = measure(CPU, ["float32"])
    assert ceiling.product_rows == 1024  # of 2.1 ms at that rate, and 512 of 0.27 ms
    assert sizes == [256, 512, 1024]
    assert ceiling.flops_per_s == pytest.approx(1e12)


def test_ceilings_come_from_a_process_of_their_own() -> None:
    (ceiling,) = ceilings(CPU, ["float32"])
    assert ceiling.dtype == "float32"
    assert ceiling.flops_per_s > 1e7


def test_what_goes_wrong_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CeilingsError, match="no_such_type"):
        ceilings(CPU, ["no_such_type"])
    monkeypatch.setattr(module, "TIMEOUT_S", 0.01)
    with pytest.raises(CeilingsError, match=r"no answer within 0\.01 s"):
        ceilings(CPU, ["float32"])
