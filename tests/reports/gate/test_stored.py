"""Latencies against stored ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from reports.figures import Latency
from reports.gate.result import Verdict
from reports.gate.stored import judge_stored
from reports.schema import Record


@pytest.fixture
def latency(record: Callable[..., Record]) -> Callable[..., Latency]:
    def make(median_ms: float, half_width: float = 0.01) -> Latency:
        found = record().latency
        assert found is not None
        return found.model_copy(
            update={
                "median_ms": median_ms,
                "low_ms": median_ms * (1 - half_width),
                "high_ms": median_ms * (1 + half_width),
            }
        )

    return make


@pytest.mark.parametrize(
    ("ratio", "half_width", "verdict"),
    [
        (1.0, 0.01, Verdict.SAME),
        (1.02, 0.01, Verdict.SAME),
        (1.10, 0.01, Verdict.SLOWER),
        (1 / 1.10, 0.01, Verdict.FASTER),
        (1.05, 0.01, Verdict.UNSURE),
        (1.10, 0.08, Verdict.UNSURE),
        (1.0, 0.08, Verdict.UNSURE),
    ],
)
def test_a_verdict_follows_from_ratio_and_width(
    latency: Callable[..., Latency], ratio: float, half_width: float, verdict: Verdict
) -> None:
    (found,) = judge_stored(
        [(latency(10.0, half_width), latency(10.0 * ratio, half_width))], limit=0.05, rate=0.05
    )
    assert found.verdict is verdict
    assert found.ratio == pytest.approx(ratio)
    assert found.low < ratio < found.high
    assert found.blocks == []


def test_the_interval_is_that_of_two_independent_medians(
    latency: Callable[..., Latency],
) -> None:
    (found,) = judge_stored([(latency(10.0, 0.03), latency(10.0, 0.04))], limit=0.05, rate=0.05)
    assert np.log(found.high) == pytest.approx(0.05, rel=0.02)
    assert np.log(found.low) == pytest.approx(-0.05, rel=0.02)


def test_among_many_points_one_lucky_one_is_not_called_slower(
    latency: Callable[..., Latency],
) -> None:
    suspicious = (latency(10.0, 0.01), latency(10.75, 0.01))
    alone = judge_stored([suspicious], limit=0.05, rate=0.05)
    among = judge_stored(
        [suspicious, *[(latency(10.0), latency(10.0))] * 99], limit=0.05, rate=0.05
    )
    assert alone[0].verdict is Verdict.SLOWER
    assert among[0].verdict is Verdict.UNSURE


def test_nothing_to_judge_is_no_verdict() -> None:
    assert judge_stored([], limit=0.05, rate=0.05) == []


def test_without_an_interval_the_samples_range_is_one(latency: Callable[..., Latency]) -> None:
    few = latency(10.0).model_copy(
        update={"low_ms": None, "high_ms": None, "samples_ms": [9.0, 10.0, 11.0]}
    )
    (found,) = judge_stored([(few, few)], limit=0.05, rate=0.05)
    assert found.verdict is Verdict.UNSURE
