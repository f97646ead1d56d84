from __future__ import annotations

from math import inf

import pytest

from reports.race import Heat
from reports.tuning.confirmation import confirmation, dropped, ratio_in

MS = {32: 1.3, 64: 1.0, 96: 1.0, 128: 1.05}


@pytest.fixture
def heated(raced, heat):
    """A race with heats by their true latencies, and how noisy these are."""

    def make(*heats, noise=0.01):
        one = raced(MS)
        found = [heat(one, MS | ms, noise=noise) for ms in heats]
        return one.model_copy(update={"heats": found})

    return make


def test_a_leader_that_nothing_beats_is_confirmed_with_its_ties(heated):
    said = confirmation(64, heated({}))
    assert (said.fastest, said.confirmed, said.ties) == (64, True, [96])
    assert confirmation(96, heated({})).fastest == 96
    assert said.ratios[128].ratio == pytest.approx(1.05, rel=0.02)


def test_what_is_clearly_faster_in_the_fresh_process_takes_its_place(heated):
    said = confirmation(64, heated({64: 1.1}))
    assert (said.fastest, said.confirmed, said.ties) == (96, False, [])


def test_a_difference_that_need_not_outlive_the_process_is_a_tie_however_clear(heated):
    said = confirmation(64, heated({64: 1.015, 128: 1.034}, noise=0.001))
    assert (said.fastest, said.confirmed, said.ties) == (64, True, [96, 128])
    assert confirmation(64, heated({128: 1.03}, noise=0.001)).ties == [96]


def test_each_heat_is_held_against_the_one_before(heated):
    other = {64: 1.1}
    twice = confirmation(64, heated(other, other))
    assert (twice.fastest, twice.confirmed) == (96, True)
    back = confirmation(64, heated(other, {96: 1.1}))
    assert (back.fastest, back.confirmed) == (64, False)


def test_a_heat_that_knows_nothing_confirms_nothing(heated):
    said = confirmation(64, heated({}, noise=0.3))
    assert not said.confirmed
    assert said.width > 0.1
    assert confirmation(64, heated({}, {}, noise=0.01)).confirmed
    few = heated({})
    short = {n: rounds[:3] for n, rounds in few.heats[0].rounds_ms.items()}
    said = confirmation(64, few.model_copy(update={"heats": [Heat(rounds_ms=short)]}))
    assert (said.confirmed, said.width) == (False, inf)


def test_without_a_heat_nothing_is_confirmed(heated):
    said = confirmation(64, heated())
    assert (said.fastest, said.confirmed, said.ties) == (64, False, [])


def test_what_is_out_is_not_asked(heated):
    said = confirmation(64, heated({64: 1.1}), without={96})
    assert (said.fastest, said.confirmed) == (128, False)
    assert 96 not in said.ratios


def test_a_runner_up_that_the_race_dropped_is_no_tie_for_want_of_precision(heated):
    one = heated({128: 1.02}, noise=0.01)
    kept = [
        each.model_copy(update={"rounds_ms": each.rounds_ms[:3]})
        if each.chunk_size == 128
        else each
        for each in one.contenders
    ]
    early = one.model_copy(update={"contenders": kept})
    assert dropped(early) == {32, 128}
    assert confirmation(64, one).ties == [96, 128]
    assert confirmation(64, early).ties == [96]


def test_ratios_are_of_latencies_in_the_rounds_of_both(heated):
    heat = heated({}).heats[0]
    ratio = ratio_in(heat, 128, 64)
    assert ratio.ratio == pytest.approx(1.05, rel=0.01)
    assert 1 < ratio.low < ratio.ratio < ratio.high < 1.1
    zero = Heat(rounds_ms={64: [[0.0]] * 8, 128: [[1.0]] * 8})
    assert ratio_in(zero, 128, 64) is None
