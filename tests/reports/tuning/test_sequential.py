from __future__ import annotations

import numpy as np
import pytest

from reports.tuning.sequential import ERROR, TIE, judge

LOOKS, FIRST = 12, 3


def errors(kind, rng, sizes, rounds, noise):
    found = rng.normal(0, noise, (sizes, rounds))
    if kind == "spikes":
        found += np.log(1.5) * (rng.random((sizes, rounds)) < 0.03)
    if kind == "heavy tails":
        found = noise * rng.standard_t(3, (sizes, rounds)) / np.sqrt(3)
    # What a round does to all of them, and a drift.
    return found + rng.normal(0, 0.05, rounds) + 0.02 * np.arange(rounds)


def race(rng, true, kind="normal", noise=0.025, looks=LOOKS):
    """In which round each is dropped, and the leader of the first look that settles it."""
    values = np.asarray(true)[:, None] + errors(kind, rng, len(true), FIRST + looks, noise)
    left, dropped, leader = list(range(len(true))), {}, None
    for look in range(1, looks + 1):
        rounds = FIRST - 1 + look
        verdict = judge({i + 1: values[i, :rounds].tolist() for i in left}, look=look)
        for n in verdict.dropped:
            left.remove(n - 1)
            dropped[n - 1] = rounds
        if verdict.settled and leader is None:
            leader = verdict.leader - 1
    return dropped, leader


@pytest.mark.parametrize(("kind", "sizes"), [("normal", 8), ("spikes", 12), ("heavy tails", 4)])
def test_the_best_is_hardly_ever_dropped_at_any_look(kind, sizes):
    rng, races = np.random.default_rng(sizes), 120
    # All are alike: each is truly best, and its rivals are as near as they can be.
    lost = sum(0 in race(rng, [0.0] * sizes, kind)[0] for _ in range(races))
    assert lost / races <= ERROR


@pytest.mark.parametrize("kind", ["normal", "spikes"])
@pytest.mark.parametrize("noise", [0.02, 0.03])
def test_what_is_a_tenth_slower_is_dropped_after_three_or_four_rounds(kind, noise):
    rng = np.random.default_rng(1)
    found = [
        race(rng, [0.0, np.log(1.1), 0.01, 0.01, 0.02, 0.02], kind, noise, 4)[0] for _ in range(30)
    ]
    assert np.median([dropped.get(1, 99) for dropped in found]) <= 4


def test_where_it_is_settled_the_leader_is_within_the_tie_of_the_best():
    rng, races = np.random.default_rng(2), 50
    true = [0.0, *[1.25 * np.log1p(TIE)] * 5]
    leaders = [race(rng, true, "spikes", 0.015)[1] for _ in range(races)]
    settled = [leader for leader in leaders if leader is not None]
    assert len(settled) > races / 2
    assert sum(true[leader] > np.log1p(TIE) for leader in settled) / races <= ERROR


def test_a_tie_is_settled_only_once_it_is_known_well_enough():
    rng = np.random.default_rng(3)
    noisy = {n: (0.05 * rng.standard_normal(4)).tolist() for n in (32, 64, 128)}
    quiet = {n: (0.002 * rng.standard_normal(4)).tolist() for n in (32, 64, 128)}
    assert not judge(noisy, look=1).settled
    assert judge(quiet, look=1).settled
    assert judge(quiet, look=1).dropped == []


def test_a_look_at_the_same_numbers_drops_less_the_later_it_is():
    rng = np.random.default_rng(4)
    rounds = {n: (at + 0.02 * rng.standard_normal(4)).tolist() for n, at in ((1, 0.0), (2, 0.08))}
    assert judge(rounds, look=1).dropped == [2]
    assert judge(rounds, look=12).dropped == []


def test_one_wild_visit_neither_drops_the_best_nor_hides_the_slow():
    rng = np.random.default_rng(5)
    rounds = {n: (0.01 * rng.standard_normal(5)) for n in (16, 32, 64, 128)}
    rounds[128] += np.log(1.2)
    rounds[16][2] += np.log(1.5)
    verdict = judge({n: values.tolist() for n, values in rounds.items()}, look=1)
    assert verdict.dropped == [128]


def test_one_noisier_than_the_others_is_not_dropped_by_their_noise():
    rng = np.random.default_rng(6)
    rounds = {n: (0.003 * rng.standard_normal(6)) for n in (16, 32, 64, 128, 256)}
    rounds[256] = np.array([0.2, -0.12, 0.25, -0.15, 0.22, -0.02])
    assert judge({n: v.tolist() for n, v in rounds.items()}, look=1).dropped == []


def test_one_noisier_than_the_others_has_its_own_rounds_alone_to_speak_for_it():
    rng = np.random.default_rng(6)
    rounds = {n: (0.003 * rng.standard_normal(6)) for n in (16, 32, 64, 128, 256)}
    # Three standard errors slower: enough with the rounds of all others, and not with six.
    rounds[256] = 0.12 + 0.11 * np.array([-1.2, -0.7, -0.2, 0.2, 0.7, 1.2])
    assert judge({n: v.tolist() for n, v in rounds.items()}, look=1).dropped == []


def test_what_all_rounds_share_is_nobodys():
    rng = np.random.default_rng(7)
    own = {n: (at + 0.01 * rng.standard_normal(4)) for n, at in ((8, 0.0), (16, 0.02), (32, 0.1))}
    drift = np.array([0.0, 1.0, -2.0, 5.0])
    still, drifting = (
        judge({n: (values + by).tolist() for n, values in own.items()}, look=1)
        for by in (0 * drift, drift)
    )
    assert still == drifting
    assert still.leader == 8
    assert 32 in still.dropped


def test_one_alone_has_won_and_two_rounds_are_the_least():
    assert judge({64: [0.1, 0.2]}, look=3).settled
    with pytest.raises(ValueError, match="as many, 2 or more"):
        judge({64: [0.1], 128: [0.2]}, look=1)
    with pytest.raises(ValueError, match="as many"):
        judge({64: [0.1, 0.1], 128: [0.2, 0.2, 0.2]}, look=1)
    with pytest.raises(ValueError, match="the first one is 1"):
        judge({64: [0.1, 0.1]}, look=0)
