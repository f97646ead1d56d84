from __future__ import annotations

from math import inf

from reports.intervals import Ratio
from reports.schema import Status
from reports.tuning.confirmation import Confirmation
from reports.tuning.refusals import after_confirming, before_confirming

MS = {32: 1.3, 64: 1.0, 128: 1.02}


def test_a_race_with_a_heat_is_evidence(tuned):
    assert before_confirming(tuned({4096: MS}).races[0], {}) == ""


def test_constraints_that_nothing_meets_name_the_nearest_miss(race, contender):
    runners = [
        contender(n, outcome="excluded", reason=f"reason {n}", miss=n / 100) for n in (32, 64, 128)
    ]
    said = before_confirming(race(runners), {})
    assert said.startswith("No chunk size meets the constraints. The nearest miss is n = 32: ")
    failed = contender(16, outcome="failed", reason="no memory", status=Status.OUT_OF_MEMORY)
    said = before_confirming(race([failed, *runners]), {})
    assert "(the others failed, n = 16: no memory)" in said
    assert "all of them failed, n = 16: no memory" in before_confirming(race([failed]), {})


def test_too_few_chunk_sizes_say_nothing_of_the_others(race, contender):
    two = [contender(64, 1.0), contender(128, 2.0)]
    said = before_confirming(race(two), {})
    assert said.startswith("Only 2 chunk sizes were raced")
    assert "--chunk-size" in said
    left = [*two, contender(256, outcome="excluded", reason="too large", miss=1.0)]
    assert "Only" not in before_confirming(race(left), {})
    assert "Only" not in before_confirming(race([contender(16, 1.0)], 32), {})


def test_a_clock_that_sees_nothing_is_no_evidence(race, contender):
    runners = [contender(n, rounds_ms=[[0.0, 1.0]]) for n in (32, 64, 128)]
    assert "too coarse" in before_confirming(race(runners), {})


def test_what_no_fresh_process_timed_is_not_recommended(tuned):
    (race,) = tuned({4096: MS}).races
    alone = race.model_copy(update={"heats": []})
    assert before_confirming(alone, {}).startswith("It was not confirmed")
    crashed = dict.fromkeys((64, 128), "in the fresh process: signal 9")
    assert "n = 64 in the fresh process: signal 9" in before_confirming(race, crashed)
    assert before_confirming(race, {64: "in the fresh process: signal 9"}) == ""


WIDE, NARROW = Ratio(1.0, 0.8, 1.2), Ratio(1.01, 0.995, 1.03)


def test_ties_that_are_not_known_are_too_noisy():
    said = after_confirming(Confirmation(64, False, [96, 128], {96: NARROW, 128: WIDE}), 3)
    assert said.startswith("Too noisy: the latency of n = 128 over that of the fastest is known to")
    assert "±20%" in said
    assert "--seconds" in said
    unknown = Ratio(1.0, 0.0, inf)
    assert "from too little" in after_confirming(Confirmation(64, False, [96], {96: unknown}), 3)


def test_processes_that_disagree_are_no_recommendation():
    said = Confirmation(96, False, [], {64: Ratio(1.2, 1.1, 1.3)})
    assert "Each of 3 fresh processes calls another" in after_confirming(said, 3)
    assert "none was asked after it" in after_confirming(said, 1)
    assert after_confirming(Confirmation(96, True, [], {}), 3) == ""
