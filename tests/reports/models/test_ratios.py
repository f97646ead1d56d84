from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from reports.intervals import paired_ratio
from reports.models.curves import Curve
from reports.models.ratios import log_ratios


def curve(
    samples: Sequence[np.ndarray],
    visits: Sequence[Sequence[int]],
    rounds: Sequence[Sequence[int]] | None = None,
    lengths: Sequence[int] = (256, 512, 1024),
    **changes: object,
) -> Curve:
    """A curve with these samples at its first lengths; round j of length i is number 100·i + j."""
    own = [[100 * i + j for j in range(len(counts))] for i, counts in enumerate(visits)]
    values = {
        "label": "one",
        "variant": "one",
        "chunk": None,
        "quantity": "latency",
        "seq_len": np.array(lengths[: len(samples)], dtype=float),
        "value": np.array([np.median(each) for each in samples]),
        "rows": tuple(range(len(samples))),
        "samples": tuple(np.asarray(each, dtype=float) for each in samples),
        "visits": tuple(map(tuple, visits)),
        "rounds": tuple(map(tuple, rounds or own)),
        "censored": (),
    }
    return Curve(**values | changes)  # type: ignore[arg-type]


def noisy(rng: np.random.Generator, visits: Sequence[int], level: float = 1.0) -> np.ndarray:
    effects = np.repeat(np.exp(rng.normal(0, 0.05, len(visits))), visits)
    return level * effects * np.exp(rng.normal(0, 0.02, sum(visits)))


def test_it_is_the_ratio_of_the_tables() -> None:
    rng = np.random.default_rng(1)
    mine, theirs = [4, 3, 5, 4, 4, 6], [2, 3, 2, 3, 2, 2]
    one, other = noisy(rng, mine), noisy(rng, theirs, 3.0)
    for first, second in (((one, mine), (other, theirs)), ((other, theirs), (one, mine))):
        found = log_ratios(curve([first[0]], [first[1]]), curve([second[0]], [second[1]]))
        ratio = paired_ratio(first[0], first[1], second[0], second[1])
        assert ratio is not None
        assert found.log[0] == pytest.approx(np.log(ratio.ratio))


def test_with_as_many_samples_on_both_sides_neither_is_preferred() -> None:
    rng = np.random.default_rng(2)
    visits = [3] * 7
    one, other = (curve([noisy(rng, visits)], [visits]) for _ in range(2))
    there, back = log_ratios(one, other), log_ratios(other, one)
    assert there.log == pytest.approx(-back.log)
    assert there.variance == pytest.approx(back.variance)


def test_what_a_round_does_to_both_is_no_noise() -> None:
    rng = np.random.default_rng(3)
    visits = [4] * 10
    drift = np.repeat(np.exp(rng.normal(0, 0.5, 10)), 4)
    own = [np.exp(rng.normal(0, 0.01, 40)) for _ in range(2)]
    one, other = curve([drift * own[0]], [visits]), curve([2 * drift * own[1]], [visits])
    together = log_ratios(one, other)
    assert together.log[0] == pytest.approx(np.log(2), abs=0.02)
    assert together.variance[0] ** 0.5 < 0.01
    apart = curve([2 * drift * own[1]], [visits], rounds=[[1000 + j for j in range(10)]])
    assert log_ratios(one, apart).variance[0] ** 0.5 > 0.1


def test_its_variance_is_that_of_repeated_measurements() -> None:
    rng = np.random.default_rng(4)
    visits = [5] * 8
    found = [
        log_ratios(curve([noisy(rng, visits)], [visits]), curve([noisy(rng, visits)], [visits]))
        for _ in range(150)
    ]
    measured = np.var([each.log[0] for each in found])
    # 150 measurements know their own variance to 12%.
    assert np.mean([each.variance[0] for each in found]) == pytest.approx(measured, rel=0.4)


def test_only_rounds_in_common_count() -> None:
    visits = [2] * 6
    one = curve([np.repeat([1.0, 1, 1, 1, 1, 50], 2)], [visits], rounds=[[1, 2, 3, 4, 5, 6]])
    other = curve([np.repeat([50.0, 2, 2, 2, 2, 2], 2)], [visits], rounds=[[0, 1, 2, 3, 4, 5]])
    assert log_ratios(one, other).log[0] == pytest.approx(np.log(2))


def test_lengths_that_say_nothing_are_left_out() -> None:
    rng = np.random.default_rng(5)
    enough, few = [3] * 6, [10] * 4
    samples = [noisy(rng, enough), noisy(rng, few), noisy(rng, enough)]
    coarse = [noisy(rng, enough), noisy(rng, few), np.zeros(18)]
    one, other = (curve(each, [enough, few, enough]) for each in (samples, coarse))
    assert log_ratios(one, other).seq_len.tolist() == [256]
    alone = curve([noisy(rng, enough)], [enough], lengths=[300])
    assert log_ratios(one, alone).seq_len.tolist() == []


def test_a_workspace_has_no_samples() -> None:
    one = curve([np.ones(10)], [[2] * 5])
    with pytest.raises(ValueError, match="the workspace of one has no samples"):
        log_ratios(one, curve([np.ones(10)], [[2] * 5], quantity="workspace"))
