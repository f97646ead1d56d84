from __future__ import annotations

import pytest

from reports.tuning.confirmation import confirmation, confirming, fresh_ratio, rows_of

MS = {32: 1.3, 64: 1.0, 96: 1.0, 128: 1.05}


def rows(tuned, fresh=MS, **changes):
    run = tuned({4096: MS}, {4096: fresh}, **changes)
    return confirming(run.races[0], rows_of(run))


def test_the_finalists_are_found_by_the_key_of_their_point(tuned):
    assert sorted(rows(tuned)) == [64, 96, 128]


def test_a_leader_that_nothing_beats_is_confirmed_with_its_ties(tuned):
    said = confirmation(64, rows(tuned))
    assert (said.fastest, said.confirmed, said.ties) == (64, True, [96])
    assert confirmation(96, rows(tuned)).fastest == 96


def test_what_is_clearly_faster_in_the_fresh_process_takes_its_place(tuned):
    said = confirmation(64, rows(tuned, {64: 1.1, 96: 1.0, 128: 1.05}))
    assert (said.fastest, said.confirmed, said.ties) == (96, False, [])


def test_a_difference_that_need_not_outlive_the_process_is_a_tie_however_clear(tuned):
    fresh = {64: 1.015, 96: 1.0, 128: 1.034}
    said = confirmation(64, rows(tuned, fresh, noise=0.001))
    assert (said.fastest, said.confirmed, said.ties) == (64, True, [96, 128])
    said = confirmation(64, rows(tuned, fresh | {64: 1.0, 128: 1.03}, noise=0.001))
    assert said.ties == [96]


def test_a_difference_within_the_machines_noise_is_none(tuned, noise):
    fresh = {64: 1.1, 96: 1.0, 128: 1.05}
    run = tuned({4096: MS}, {4096: fresh}, noise_of_machine=noise(spread=0.2))
    assert confirmation(64, confirming(run.races[0], rows_of(run))).confirmed


def test_ratios_are_over_the_reference_in_the_rounds_of_both(tuned):
    found = rows(tuned)
    ratio = fresh_ratio(found, 128, 64)
    assert ratio.ratio == pytest.approx(1.05, rel=0.01)
    assert 1 < ratio.low < ratio.ratio < ratio.high < 1.1
    assert fresh_ratio(found, 64, 64).high == 1


def test_of_a_point_that_was_tried_again_the_last_record_counts(tuned, record):
    run = tuned({4096: MS})
    again = record(seq_len=4096, chunk_size=64, median_ms=7.0)
    run.records.append(again)
    assert confirming(run.races[0], rows_of(run))[64]["latency_ms"] == 7.0
    assert fresh_ratio(confirming(run.races[0], rows_of(run)), 64, 96) is None
