from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

import pytest

from bench.cost import model_cost
from bench.messages import Failure, Turn
from bench.spec import SpecError
from bench.tune import calibrate as module
from bench.tune.calibrate import calibrate
from bench.tune.request import Request
from reports.schema import Point, Status

Make = Callable[..., Request]
FLOP, BYTE, CHUNK = 2e-8, 1e-7, 3e-3


class Exact:
    """A worker whose calls take what the cost model says, in known rates."""

    def __init__(self, spec: object) -> None:
        pass

    def __enter__(self) -> Exact:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def renew(self, point: Point) -> None:
        pass

    def ask(self, do: str, point: Point) -> Any:
        cost = model_cost(point)
        assert cost is not None
        assert point.chunk_size is not None
        chunks = point.batch * ceil(point.seq_len / point.chunk_size)
        return Turn(samples_ms=[FLOP * cost.flops + BYTE * cost.bytes + CHUNK * chunks])


def ignore(point: Point) -> None:
    """Nobody is told."""


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.0)


def test_the_rates_that_made_the_times_are_found(
    make_request: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "Workers", Exact)
    found = calibrate(make_request("2k", dim="64", batch="2"), ignore)
    rates = (found.ms_per_flop, found.ms_per_byte, found.ms_per_chunk)
    assert rates == pytest.approx((FLOP, BYTE, CHUNK), rel=1e-6)
    assert (found.variant, found.dtype, found.direction) == ("hatrick", "float32", "forward")


def test_a_real_worker_is_calibrated(make_request: Make) -> None:
    found = calibrate(make_request("512"), ignore)
    assert found.ms_per_flop + found.ms_per_byte + found.ms_per_chunk > 0
    assert found.samples >= 3 * 4


def test_what_cannot_be_calibrated_is_said(
    make_request: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SpecError, match="--seq-len 32: too short to calibrate by"):
        calibrate(make_request("32"), ignore)

    class Failing(Exact):
        def ask(self, do: str, point: Point) -> Any:
            return Failure(status=Status.CRASHED, reason="no luck today")

    monkeypatch.setattr(module, "Workers", Failing)
    with pytest.raises(SpecError, match="no luck today"):
        calibrate(make_request("1k"), ignore)
    monkeypatch.setattr(module, "flops_of", lambda points: {})
    with pytest.raises(SpecError, match="hatrick has no cost model to calibrate"):
        calibrate(make_request("1k"), ignore)
