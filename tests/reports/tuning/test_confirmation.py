from __future__ import annotations

from datetime import timedelta

import pytest

from reports.tuning.confirmation import confirmation, confirming, fresh_ratio, last_of


def last(run):
    """Of the last fresh process."""
    return (confirming(run, run.races[0]) or [{}])[-1]


MS = {32: 1.3, 64: 1.0, 96: 1.0, 128: 1.05}


def rows(tuned, fresh=MS, **changes):
    run = tuned({4096: MS}, {4096: fresh}, **changes)
    return last(run)


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
    assert confirmation(64, last(run)).confirmed


def test_ratios_are_over_the_reference_in_the_rounds_of_both(tuned):
    found = rows(tuned)
    ratio = fresh_ratio(found, 128, 64)
    assert ratio.ratio == pytest.approx(1.05, rel=0.01)
    assert 1 < ratio.low < ratio.ratio < ratio.high < 1.1
    assert fresh_ratio(found, 64, 64).high == 1


def test_without_rounds_in_common_there_is_no_ratio(tuned, record):
    run = tuned({4096: MS})
    run.records[:] = [one for one in run.records if one.point.chunk_size != 64]
    run.records.append(record(seq_len=4096, chunk_size=64, median_ms=7.0))
    assert last(run)[64]["latency_ms"] == 7.0
    assert fresh_ratio(last(run), 64, 96) is None


def asked_again(tuned, confirming_records, *processes):
    """A tuning whose race was confirmed by several processes, by their true latencies."""
    run = tuned({4096: MS}, {4096: processes[0]})
    for ms in processes[1:]:
        run.records.extend(confirming_records(run.races[0], ms))
    return run


def test_each_process_is_held_against_the_one_before(tuned, confirming_records):
    other = {64: 1.1, 96: 1.0, 128: 1.05}
    run = asked_again(tuned, confirming_records, other, other)
    processes = confirming(run, run.races[0])
    assert [sorted(rows) for rows in processes] == [[64, 96, 128]] * 2
    once, twice = last_of(64, processes[:1]), last_of(64, processes)
    assert (once.fastest, once.confirmed) == (96, False)
    assert (twice.fastest, twice.confirmed) == (96, True)
    back = asked_again(tuned, confirming_records, other, {64: 1.0, 96: 1.1, 128: 1.2})
    found = last_of(64, confirming(back, back.races[0]))
    assert (found.fastest, found.confirmed) == (64, False)


def test_a_process_that_was_cut_short_does_not_count(tuned, confirming_records):
    run = asked_again(tuned, confirming_records, MS, {64: 9.0, 96: 1.0, 128: 1.05})
    del run.records[-1]
    assert len(confirming(run, run.races[0])) == 1


def test_what_was_measured_before_a_race_is_of_another_one(tuned, confirming_records):
    run = tuned({4096: MS})
    early = run.races[0].started_at - timedelta(hours=1)
    before = [one.model_copy(update={"started_at": early}) for one in run.records]
    run.records[:0] = before
    assert len(confirming(run, run.races[0])) == 1
    run.records[:] = before
    assert confirming(run, run.races[0]) == []
