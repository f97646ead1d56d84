"""How often the gate is wrong, by simulation: on blocks that a machine measured, and on noise of a
known kind. Every count here has a fixed seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.gate.request import BLOCKS, LIMITS
from reports.gate.calibration import blocks_of, draw, of_variant, slowed
from reports.gate.recording import Recording, read_recording
from reports.gate.result import Timing, Verdict
from reports.gate.timing import judge

RECORDED = Path(__file__).parents[2] / "data" / "gate" / "aa.json"
LIMIT, RATE = LIMITS["cpu"], 0.05
SLOWER = 1.10
POINTS = 16

Noise = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.float64]]


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as a chance of 0.05 / 32 takes, the smallest that decides with 16 points."""
    monkeypatch.setattr("reports.gate.reference.DRAWS", 1500)


@pytest.fixture(scope="module")
def recording() -> Recording:
    return read_recording(RECORDED)


def verdicts(ms: NDArray[np.float64], limit: float = LIMIT) -> list[Verdict]:
    return [each.verdict for each in judge(blocks_of(ms), limit=limit, rate=RATE)[0]]


def alarmed(found: list[Verdict]) -> bool:
    return Verdict.SLOWER in found or Verdict.FASTER in found


def test_equal_code_as_recorded_raises_an_alarm_in_one_grid_of_a_hundred_at_most(
    recording: Recording,
) -> None:
    rng = np.random.default_rng(0)
    alarms = sum(alarmed(verdicts(draw(recording, rng, BLOCKS))) for _ in range(300))
    assert alarms <= 3


def test_neither_do_three_looks_with_more_blocks_for_what_is_unsure(recording: Recording) -> None:
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(100):
        ms = draw(recording, rng, 3 * BLOCKS)
        looks = [ms[: BLOCKS * look] for look in (1, 2, 3)]
        blocks = blocks_of(looks[0])
        for more in looks:
            timings, _, _ = judge(blocks, limit=LIMIT, rate=RATE)
            alarms += alarmed([each.verdict for each in timings])
            unsure = [each.verdict is Verdict.UNSURE for each in timings]
            blocks = [
                longer if again else before
                for again, longer, before in zip(unsure, blocks_of(more), blocks, strict=True)
            ]
    assert alarms <= 1


def test_a_point_that_is_a_tenth_slower_is_caught(recording: Recording) -> None:
    rng = np.random.default_rng(2)
    caught, tries = 0, 96
    for i in range(tries):
        point = i % len(recording.points)
        ms = slowed(draw(recording, rng, BLOCKS), [point], SLOWER)
        caught += verdicts(ms)[point] is Verdict.SLOWER
    assert caught >= 0.95 * tries


def test_a_variant_that_is_a_tenth_slower_is_caught_at_its_points(recording: Recording) -> None:
    rng = np.random.default_rng(3)
    variants = sorted({name.replace(",", " ").split()[0] for name in recording.points})
    caught: list[bool] = []
    for i in range(40):
        slow = of_variant(recording.points, variants[i % len(variants)])
        found = verdicts(slowed(draw(recording, rng, BLOCKS), slow, SLOWER))
        caught.extend(found[point] is Verdict.SLOWER for point in slow)
    assert np.mean(caught) >= 0.95


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return rng.normal(0, 0.02, shape)


def heavy_tailed(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return 0.01 * rng.standard_t(2.2, shape)


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return rng.exponential(0.02, shape)


def bent_drift(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Processes in the middle of a block's order are 3% slower: base's or head's in turn."""
    side = np.array([[-1, -1, 1, 1]]) * np.where(np.arange(shape[0]) % 2 == 0, 1, -1)[:, None]
    return 0.015 * side[:, None, :] + rng.normal(0, 0.01, shape)


def disturbed_block(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """In one block something else ran beside one of the processes, at all points."""
    logs = rng.normal(0, 0.01, shape)
    logs[rng.integers(shape[0]), :, rng.integers(4)] += 0.4
    return logs


def shared(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Most of the noise is one of the block, the same at all its points."""
    return rng.normal(0, 0.02, (shape[0], 1, 4)) + rng.normal(0, 0.005, shape)


KINDS = (normal, heavy_tailed, skewed, bent_drift, disturbed_block, shared)


@pytest.mark.parametrize("noise", KINDS)
def test_equal_code_raises_no_alarm_under_noise_of_any_kind(noise: Noise) -> None:
    rng = np.random.default_rng(4)
    shape = (BLOCKS, POINTS, 4)
    assert not any(alarmed(verdicts(np.exp(noise(rng, shape)))) for _ in range(20))


@pytest.mark.parametrize("noise", [bent_drift, disturbed_block])
def test_a_tenth_is_caught_in_spite_of_drift_and_of_a_disturbed_block(noise: Noise) -> None:
    rng = np.random.default_rng(5)
    shape = (BLOCKS, POINTS, 4)
    caught = [
        verdicts(slowed(np.exp(noise(rng, shape)), [i], SLOWER))[i] is Verdict.SLOWER
        for i in range(POINTS)
    ]
    assert np.mean(caught) >= 0.95


@pytest.mark.parametrize("noise", [normal, heavy_tailed, skewed, shared])
def test_on_the_limit_itself_grids_with_false_alarms_are_as_rare_as_the_rate(noise: Noise) -> None:
    rng = np.random.default_rng(6)
    shape = (BLOCKS, POINTS, 4)

    def judged() -> tuple[list[Timing], float]:
        timings, _, used = judge(
            blocks_of(slowed(np.exp(noise(rng, shape)), range(POINTS), 1.2)), limit=0.2, rate=RATE
        )
        return timings, used

    grids = [judged() for _ in range(60)]
    # All points are as slow as allowed, the worst there is: of them one side of the rate is used.
    kept = [timings for timings, used in grids if used == pytest.approx(0.2)]
    false = sum(alarmed([each.verdict for each in timings]) for timings in kept)
    assert len(kept) > 50
    # 1.5 expected of 60; 6 or more have a chance of half a percent.
    assert false <= 5
