from __future__ import annotations

import pytest

from reports.frame import to_frame
from reports.schema import Status
from reports.statuses import GRAVEST, STATUS_WORDS, outcome, outcomes


def test_every_status_has_words_and_all_but_ok_a_gravity():
    assert set(STATUS_WORDS) == set(Status)
    assert set(GRAVEST) == set(Status) - {Status.OK}
    assert len(set(STATUS_WORDS.values())) == len(STATUS_WORDS)


@pytest.mark.parametrize(
    ("status", "predicted", "words"),
    [
        ("out_of_memory", False, "out of memory"),
        ("out_of_memory", True, "out of memory (predicted)"),
        ("left_out", True, "left out"),
        ("left_out", False, "left out"),
        ("throttled", False, "throttled"),
    ],
)
def test_an_outcome_says_whether_it_was_foreseen(status, predicted, words):
    assert outcome(status, predicted) == words


def test_outcomes_of_several_rows_are_said_once_each(run, record):
    made = [
        record("full", 256, status=Status.OUT_OF_MEMORY),
        record("full", 512, status=Status.OUT_OF_MEMORY, predicted=True),
        record("full", 1024, status=Status.OUT_OF_MEMORY, predicted=True),
        record("full", 2048, status=Status.LEFT_OUT),
    ]
    frame = to_frame([run(made)])
    assert outcomes(frame) == "left out, out of memory, out of memory (predicted)"
    assert outcomes(frame.iloc[:0]) == ""
