from __future__ import annotations

from math import inf

import pytest

from reports.intervals import Ratio
from reports.schema import Status
from reports.tuning.confirmation import confirming
from reports.tuning.refusals import after_confirming, before_confirming


def last(run):
    """Of the last fresh process."""
    return (confirming(run, run.races[0]) or [{}])[-1]


MS = {32: 1.3, 64: 1.0, 128: 1.02}


def evidence(tuned, record=None):
    run = tuned({4096: MS})
    if record is not None:
        run.records[:] = record
    return run.races[0], last(run)


def test_a_race_with_a_fresh_process_is_evidence(tuned):
    assert before_confirming(*evidence(tuned)) == ""


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


def test_what_no_fresh_process_measured_is_not_recommended(tuned, record):
    assert before_confirming(*evidence(tuned, [])).startswith("It was not confirmed")
    crashed = [record(seq_len=4096, chunk_size=64, status=Status.CRASHED, reason="signal 9")]
    assert "n = 64: signal 9" in before_confirming(*evidence(tuned, crashed))
    throttled = [record(seq_len=4096, chunk_size=64, status=Status.THROTTLED)]
    assert "held its clocks down while n = 64" in before_confirming(*evidence(tuned, throttled))


WIDE, NARROW = Ratio(1.0, 0.8, 1.2), Ratio(1.01, 0.995, 1.03)


def test_ties_that_neither_process_knows_are_too_noisy():
    said = after_confirming(6, {64: [NARROW], 128: [WIDE, WIDE]})
    assert said.startswith("Too noisy: the latency of n = 128 over that of the fastest is known to")
    assert "±20%" in said
    assert after_confirming(6, {64: [NARROW], 128: [WIDE, NARROW]}) == ""
    unknown = Ratio(1.0, 0.0, inf)
    assert "from too few rounds" in after_confirming(6, {128: [unknown]})


@pytest.mark.parametrize(("timed", "settled"), [(5, False), (6, True), (3, True)])
def test_more_than_half_undecided_is_not_settled(timed, settled):
    doubtful = Ratio(1.01, 0.95, 1.07)
    ties = {n: [doubtful, doubtful] for n in (32, 64, 128)}
    assert (after_confirming(timed, ties) == "") is settled
    known = {n: [doubtful, NARROW] for n in (32, 64, 128)}
    assert after_confirming(timed, known) == ""
