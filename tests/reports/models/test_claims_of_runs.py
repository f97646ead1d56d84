import math

import pytest

from reports.frame import to_frame
from reports.models.claims_of_runs import devices, failures
from reports.schema import Status
from reports.settings import split


def test_many_failures_are_counted_the_gravest_first(run, record):
    made = [record(seq_len=T) for T in (1, 2)]
    made += [
        record(seq_len=3, status=Status.OUT_OF_MEMORY),
        record(seq_len=4, status=Status.CRASHED),
    ]
    claim = failures(to_frame([run(made)]))
    assert claim.text == (
        "2 of 4 points that were tried gave no valid latency: 1 crashed, 1 out of memory."
    )
    assert claim.weight == pytest.approx(math.log(2))


def test_what_was_not_tried_is_no_failure(run, record):
    made = [
        record(seq_len=1),
        record(seq_len=2, status=Status.UNSUPPORTED),
        record(seq_len=3, status=Status.LEFT_OUT, predicted=True),
        record(seq_len=4, status=Status.OUT_OF_MEMORY, predicted=True),
    ]
    assert failures(to_frame([run(made)])) is None
    nothing = failures(to_frame([run(made[1:])]))
    assert nothing.text == (
        "No point was tried: 1 out of memory (predicted), 1 unsupported, 1 left out."
    )


def test_a_failure_in_a_hundred_is_left_to_its_section(run, record):
    made = [record(seq_len=T) for T in range(1, 100)]
    made.append(record(seq_len=100, status=Status.CRASHED))
    assert failures(to_frame([run(made)])) is None


def two(run, record, **changes):
    one = run([record("hatrick", T, median_ms=4.0) for T in (256, 512)])
    other = run([record("hatrick", 256, median_ms=2.0, **changes)], name="run-b")
    return devices(split(to_frame([one, other])))


def test_two_runs_at_the_longest_length_that_both_have(run, record):
    claim = two(run, record)
    assert claim.text == (
        "By the medians alone (they took no turns) hatrick at T = 256 took 2.00 ms (n = 64) in run "
        "run-b and 4.00 ms (n = 64) in run run-a: 2.00× as long."
    )
    assert claim.weight == pytest.approx(math.log(2) / 2)


def test_what_differs_in_more_than_the_place_is_not_compared(run, record):
    assert two(run, record, causal=True) is None
    assert two(run, record, dtype="bfloat16") is None


def test_nothing_in_common_is_no_claim(run, record):
    one = run([record("hatrick", 256)])
    other = run([record("hatrick", 512)], name="run-b")
    assert devices(split(to_frame([one, other]))) is None
