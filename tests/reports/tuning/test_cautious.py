from __future__ import annotations

from reports.schema import Status
from reports.tuning.cautious import cautions_of
from reports.tuning.confirmation import Confirmation
from reports.tuning.measured import measured_of, rows_of

MS = {16: 1.6, 32: 1.3, 64: 1.0, 128: 1.02, 256: 1.4}
FINE = Confirmation(64, True, [128])


def said(run, race=None, leader=64, of=FINE, chosen=64, ratios=None):
    race = race or run.races[0]
    rows = measured_of(race, rows_of(run))
    return cautions_of(run, race, leader, of, chosen, rows, ratios or MS)


def test_most_decisions_have_none(tuned):
    assert said(tuned({4096: MS})) == []


def test_a_leader_that_the_fresh_processes_do_not_confirm(tuned):
    (one,) = said(tuned({4096: MS}), of=Confirmation(128, True, []), chosen=128)
    assert one == (
        "In the race n = 64 led; the fresh processes, 1 of them, call n = 128 clearly faster."
    )
    assert said(tuned({4096: MS}), of=Confirmation(128, False, []), chosen=None) == []


def test_a_finalist_that_fails_in_the_fresh_process(tuned, record):
    run = tuned({4096: MS})
    run.records[:] = [one for one in run.records if one.point.chunk_size != 128]
    run.records.append(
        record(seq_len=4096, chunk_size=128, status=Status.DISAGREES, reason="error 1e-2")
    )
    (one,) = said(run)
    assert one.startswith("n = 128 raced well and ")
    assert one.endswith("in the fresh process: error 1e-2")


def test_one_that_was_in_the_race_alone(tuned):
    one, unchecked = said(tuned({4096: MS}), chosen=256)
    assert unchecked.startswith("n = 256 was not measured yet, nor its output checked")
    assert one == "n = 256 was timed in the race alone, and not in a fresh process."


def test_the_end_of_what_was_tried(tuned, race, contender):
    run = tuned({4096: MS})
    ends = {n: ms for n, ms in MS.items() if n <= 64}
    runners = [contender(n, ms) for n, ms in ends.items()]
    assert said(run, race(runners), ratios=ends) == [
        "n = 64 is the largest that was tried: a larger one may be faster."
    ]
    beyond = race(runners, foreseen=[{"chunk_size": 128, "times_the_least": 3.0}])
    assert said(run, beyond, ratios=ends) == []
    assert said(run, race(runners, 64), ratios=ends) == []
    lower = {n: ms for n, ms in MS.items() if n >= 64}
    assert said(run, race([contender(n, ms) for n, ms in lower.items()]), ratios=lower) == [
        "n = 64 is the smallest that was tried: a smaller one may be faster."
    ]


def test_those_that_were_not_timed_are_named_with_a_reason(tuned, race, contender):
    run = tuned({4096: MS})
    runners = [contender(n, ms) for n, ms in MS.items()]
    lost = [
        contender(n, outcome="failed", reason=f"reason {n}", status=Status.CRASHED)
        for n in (512, 1024)
    ]
    small = contender(8, outcome="excluded", reason="too far")
    assert said(run, race([*runners, *lost, small])) == [
        "n = 512 and 1024 failed; n = 512: reason 512.",
        "n = 8 excluded: too far.",
    ]


def test_an_unfit_machine(tuned, noise):
    (unfit,) = said(tuned({4096: MS}, noise_of_machine=noise(fit=False, spread=0.11)))
    assert "unfit to measure on: two measurements of one point lay up to 11% apart" in unfit
