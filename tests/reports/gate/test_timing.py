from __future__ import annotations

from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.gate.calibration import blocks_of, slowed
from reports.gate.result import Block, Verdict
from reports.gate.timing import judge

POINTS = 12
RATE = 0.05


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reports.gate.reference.DRAWS", 4000)


def measured(seed: int, sigma: float = 0.01, blocks: int = 6, points: int = POINTS) -> np.ndarray:
    """Equal code on both sides: (blocks, points, 4), in milliseconds."""
    logs = np.random.default_rng(seed).normal(0, sigma, (blocks, points, 4))
    return np.exp(logs) * np.arange(1, points + 1)[:, None]


def test_equal_code_is_the_same() -> None:
    timings, noise, limit = judge(blocks_of(measured(0)), limit=0.05, rate=RATE)
    assert [each.verdict for each in timings] == [Verdict.SAME] * POINTS
    assert [each.more_blocks for each in timings] == [0] * POINTS
    assert limit == 0.05
    assert 0 < noise.largest < noise.floor < 0.05


def test_a_slow_point_is_found_among_others_and_so_is_a_fast_one() -> None:
    ms = slowed(slowed(measured(1), [3], 1.2), [7], 1 / 1.2)
    timings, _, _ = judge(blocks_of(ms), limit=0.05, rate=RATE)
    found = {i: each for i, each in enumerate(timings) if each.verdict is not Verdict.SAME}
    assert {i: each.verdict for i, each in found.items()} == {
        3: Verdict.SLOWER,
        7: Verdict.FASTER,
    }
    assert found[3].ratio == pytest.approx(1.2, rel=0.03)
    assert found[3].p_slower < 0.001 < 0.5 < found[3].p_faster
    assert found[7].p_faster < 0.001 < 0.5 < found[7].p_slower


def test_times_are_medians_of_the_sides() -> None:
    timings, _, _ = judge(blocks_of(slowed(measured(2, 1e-4), [0], 3.0)), limit=0.05, rate=RATE)
    assert timings[0].base_ms == pytest.approx(1.0, rel=0.01)
    assert timings[0].head_ms == pytest.approx(3.0, rel=0.01)
    assert timings[4].head_ms == pytest.approx(5.0, rel=0.01)


def test_an_estimate_above_the_limit_with_too_little_evidence_is_unsure() -> None:
    ms = slowed(measured(3, sigma=0.02), [5], 1.07)
    timing = judge(blocks_of(ms), limit=0.05, rate=RATE)[0][5]
    assert timing.ratio > 1.05
    assert timing.verdict is Verdict.UNSURE
    assert timing.low < 1.05 < timing.high
    assert timing.more_blocks > 0


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    factors=st.lists(st.floats(0.85, 1.18), min_size=POINTS, max_size=POINTS),
    rate=st.sampled_from([0.01, 0.05]),
    blocks=st.integers(2, 7),
)
def test_verdicts_say_what_the_intervals_say(
    seed: int, factors: list[float], rate: float, blocks: int
) -> None:
    ms = measured(seed, blocks=blocks)
    ms[..., 2:] *= np.array(factors)[:, None]
    timings, _, _ = judge(blocks_of(ms), limit=0.05, rate=rate)
    tails = sorted(p for each in timings for p in (each.p_slower, each.p_faster))
    for each in timings:
        limit = each.limit
        assert each.low <= each.ratio <= each.high
        assert (each.verdict is Verdict.SLOWER) == (each.low > 1 + limit)
        assert (each.verdict is Verdict.FASTER) == (each.high < 1 / (1 + limit))
        inside = each.low > 1 / (1 + limit) and each.high < 1 + limit
        assert (each.verdict is Verdict.SAME) == inside
        assert (each.more_blocks > 0) == (each.verdict is Verdict.UNSURE)
    # The procedure of Benjamini and Hochberg, step by step.
    passed = [k for k, p in enumerate(tails, 1) if p <= k * rate / len(tails)]
    alarms = [each for each in timings if each.verdict in (Verdict.SLOWER, Verdict.FASTER)]
    assert len(alarms) == max(passed, default=0)


def test_exchanged_sides_give_the_inverse() -> None:
    ms = slowed(measured(4), [2], 1.2)
    there, _, _ = judge(blocks_of(ms), limit=0.05, rate=RATE)
    back, _, _ = judge(blocks_of(ms[..., [2, 3, 0, 1]]), limit=0.05, rate=RATE)
    for one, other in zip(there, back, strict=True):
        assert one.ratio * other.ratio == pytest.approx(1)
        assert one.low * other.high == pytest.approx(1, rel=1e-3)
        assert one.p_slower == pytest.approx(other.p_faster, abs=0.01)


def test_it_is_the_same_every_time() -> None:
    blocks = blocks_of(measured(5))
    assert judge(blocks, limit=0.05, rate=RATE) == judge(blocks, limit=0.05, rate=RATE)


def test_a_limit_below_the_noise_is_raised_to_it() -> None:
    blocks = blocks_of(measured(6, sigma=0.06))
    timings, _, limit = judge(blocks, limit=0.02, rate=RATE)
    assert limit == max(each.limit for each in timings) > 0.05
    unraised, _, limit = judge(blocks, limit=0.5, rate=RATE)
    assert [each.limit for each in unraised] == pytest.approx([0.5] * len(unraised))
    assert limit == pytest.approx(0.5)


def test_one_noisy_point_does_not_blind_the_others() -> None:
    rng = np.random.default_rng(1)
    sigmas = np.array([0.1, *[0.005] * 7])
    ms = np.exp(rng.normal(0, 1, (6, 8, 4)) * sigmas[:, None])
    timings, _, _ = judge(blocks_of(slowed(ms, [5], 1.1)), limit=0.05, rate=RATE)
    assert timings[5].verdict is Verdict.SLOWER
    assert timings[0].limit > 0.1
    assert timings[5].limit == pytest.approx(0.05)


def test_the_null_ratio_is_what_processes_of_one_side_differ_by() -> None:
    ms = measured(7, sigma=1e-4)
    ms[:, 4, :] *= [1.1, 1.0, 1.1, 1.0]
    timings, noise, _ = judge(blocks_of(ms), limit=0.05, rate=RATE)
    assert timings[4].null_ratio == pytest.approx(1.1, rel=1e-3)
    assert timings[4].ratio == pytest.approx(1.0, rel=1e-3)
    assert noise.largest == pytest.approx(0.1, rel=0.01)
    assert timings[3].null_ratio == pytest.approx(1.0, abs=1e-3)


def test_points_may_have_different_numbers_of_blocks() -> None:
    blocks = blocks_of(slowed(measured(8, blocks=8), [1], 1.2))
    ragged = [each[: 8 - i % 4] for i, each in enumerate(blocks)]
    timings, _, _ = judge(ragged, limit=0.05, rate=RATE)
    assert [len(each.blocks) for each in timings] == [len(each) for each in ragged]
    assert timings[1].verdict is Verdict.SLOWER


def test_one_block_never_alarms_over_a_difference_that_processes_have_too() -> None:
    block = Block(base=(1.0, 1.1), head=(1.2, 1.1), base_first=True)
    timings, noise, limit = judge([[block]], limit=0.05, rate=RATE)
    assert timings[0].verdict not in (Verdict.SLOWER, Verdict.FASTER)
    assert limit == pytest.approx(noise.floor)
    assert limit > abs(timings[0].ratio - 1)


def test_times_without_noise_are_judged_by_what_they_are() -> None:
    still = [Block(base=(1.0, 1.0), head=(1.0, 1.0), base_first=i % 2 == 0) for i in range(4)]
    slow = [Block(base=(1.0, 1.0), head=(1.1, 1.1), base_first=i % 2 == 0) for i in range(4)]
    timings, noise, limit = judge([still, slow], limit=0.05, rate=RATE)
    assert [each.verdict for each in timings] == [Verdict.SAME, Verdict.SLOWER]
    assert noise.largest == 0
    assert limit == 0.05


@pytest.mark.parametrize(
    ("blocks", "limit", "rate", "says"),
    [
        ([], 0.05, 0.05, "no points"),
        ([[]], 0.05, 0.05, "no blocks"),
        (blocks_of(np.ones((2, 1, 4))), 0.0, 0.05, "the limit is 0"),
        (blocks_of(np.ones((2, 1, 4))), 0.05, 0.0, "rate is 0"),
        (blocks_of(np.ones((2, 1, 4))), 0.05, 0.1, "rate is 0.1"),
    ],
)
def test_a_call_that_cannot_be_judged_is_an_error_that_says_why(
    blocks: list[list[Block]], limit: float, rate: float, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        judge(blocks, limit=limit, rate=rate)


def test_forty_points_take_seconds_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    blocks = blocks_of(measured(9, points=40))
    start = perf_counter()
    judge(blocks, limit=0.05, rate=RATE)
    # A quarter of a second on an idle core; the bound leaves room for a busy machine.
    assert perf_counter() - start < 5
