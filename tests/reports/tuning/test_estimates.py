from __future__ import annotations

import numpy as np
import pytest

from reports.tuning.estimates import estimates


def entered(contender, n, first, visits):
    return contender(n, first_round=first, rounds_ms=[[ms] for ms in visits])


def test_one_that_left_and_one_that_came_later_meet_through_a_third(contender):
    # The machine is twice as slow from the fourth round on: plain medians would call 96 slower.
    runners = [
        entered(contender, 32, 0, [12.0, 12.01, 11.99]),
        entered(contender, 64, 0, [10.0, 10.01, 9.99, 20.0, 20.01, 19.99]),
        entered(contender, 96, 3, [18.0, 18.01, 17.99]),
    ]
    found = estimates(runners)
    ratio = found.ratio(96, 32)
    assert ratio.ratio == pytest.approx(0.9 / 1.2, rel=0.002)
    assert ratio.low < ratio.ratio < ratio.high < 1
    assert found.ratio(64, 64).high == 1


def test_latencies_are_those_of_an_average_round(contender):
    runners = [
        entered(contender, 32, 0, [12.0, 24.0]),
        entered(contender, 64, 0, [10.0, 20.0]),
    ]
    assert estimates(runners).latency_ms(64) == pytest.approx(10 * np.sqrt(2))


def test_intervals_hold_the_truth_as_often_as_they_say(contender):
    rng, held, races = np.random.default_rng(1), 0, 200
    lasting = {16: 3, 32: 3, 64: 8, 128: 8, 256: 4}
    for _ in range(races):
        drift = rng.normal(0, 0.1, 8)
        runners = [
            entered(contender, n, 0, np.exp(drift[:m] + rng.normal(0, 0.02, m)).tolist())
            for n, m in lasting.items()
        ]
        ratio = estimates(runners).ratio(16, 64)
        held += ratio.low <= 1 <= ratio.high
    assert 0.91 <= held / races <= 0.995


def test_one_wild_visit_moves_little(contender):
    rng = np.random.default_rng(2)
    visits = {n: 10 * np.exp(rng.normal(0, 0.005, 6)) for n in (32, 64, 128)}
    calm = estimates([entered(contender, n, 0, v.tolist()) for n, v in visits.items()])
    visits[32][1] *= 1.5
    wild = estimates([entered(contender, n, 0, v.tolist()) for n, v in visits.items()])
    assert wild.ratio(32, 64).ratio == pytest.approx(calm.ratio(32, 64).ratio, rel=0.01)


def test_a_single_round_says_nothing_of_its_errors(contender):
    ratio = estimates([contender(n, ms, rounds=1) for n, ms in ((32, 1.0), (64, 2.0))]).ratio(
        64, 32
    )
    assert ratio.ratio == pytest.approx(2, rel=0.1)
    assert (ratio.low, ratio.high) == (0, np.inf)


def test_without_times_or_with_none_that_the_clock_saw_there_are_none(contender):
    with pytest.raises(ValueError, match="no chunk size was timed"):
        estimates([contender(64, outcome="failed", reason="x", status="crashed")])
    with pytest.raises(ValueError, match="too coarse"):
        estimates([contender(64, rounds_ms=[[0.0, 0.0]])])
