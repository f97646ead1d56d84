from __future__ import annotations

import pytest

from reports.models.growth import Unfit
from reports.schema import Status
from reports.tuning.decision import decisions

MS = {16: 1.6, 32: 1.3, 64: 1.0, 96: 1.005, 128: 1.06, 256: 1.4}


def one(run):
    (found,) = decisions(run)
    return found


def test_the_fastest_is_named_with_its_ties_and_what_all_others_take(tuned):
    found = one(tuned({4096: MS}))
    assert (found.chunk_size, found.fastest, found.confirmed, found.refused) == (64, 64, True, "")
    assert found.ties == [96]
    assert found.latency_ms == 1.0
    by_size = {entry.chunk_size: entry for entry in found.entries}
    assert list(by_size) == sorted(MS)
    for n, entry in by_size.items():
        assert entry.ratio.ratio == pytest.approx(MS[n], rel=0.04)
        assert entry.fresh == (n in (64, 96, 128))
        assert entry.ties == (n in (64, 96))
    assert by_size[256].latency_ms == pytest.approx(1.4, rel=0.05)


def test_what_two_fresh_processes_find_clearly_faster_is_recommended(tuned, heat):
    fresh = {64: 1.1, 96: 1.0, 128: 1.05}
    run = tuned({4096: MS}, {4096: fresh})
    once = one(run)
    assert (once.chunk_size, once.fastest, once.confirmed) == (None, 96, False)
    assert "The fresh process calls n = 96 clearly faster" in once.refused
    (race,) = run.races
    run.races[:] = [race.model_copy(update={"heats": [*race.heats, heat(race, fresh)]})]
    twice = one(run)
    assert (twice.chunk_size, twice.confirmed, twice.refused) == (96, True, "")
    assert any("n = 64 led" in caution for caution in twice.cautions)


def test_every_length_has_one_and_the_last_race_of_a_length_counts(tuned, by_law, raced):
    run = tuned(by_law((2048, 1024, 4096, 8192)))
    found = decisions(run)
    assert [of.seq_len for of in found] == [1024, 2048, 4096, 8192]
    assert all(of.curve.by_law for of in found)
    run.races.append(raced({32: 9.0, 64: 1.0, 128: 9.0}, 1024))
    assert [entry.chunk_size for entry in decisions(run)[0].entries] == [32, 64, 128]


def test_model_cost_model_and_theory_have_each_their_own(tuned, by_law):
    found = one(tuned(by_law()))
    assert found.model_n == pytest.approx((4096 / 2) ** 0.5, rel=0.1)
    assert found.cost_model_n == 64
    assert found.sqrt_n == 64
    assert found.why == "below 32 what each chunk costs, above 64 the T·n term"


@pytest.mark.parametrize(("prefer", "n"), [("latency", 64), ("memory", 16), ("distance", 256)])
def test_what_is_preferred_decides_where_figures_disagree(tuned, prefer, n):
    found = one(tuned({4096: MS}, spec={"prefer": prefer}))
    assert (found.chunk_size, found.fastest, found.prefer) == (n, 64, prefer)
    # 96 ties with 64: it is no slower for the choice, and neither less nor more in both.
    assert found.front == sorted(MS)
    own = {entry.chunk_size: entry.ratio for entry in found.entries}
    assert own[n].ratio == own[n].low == 1
    assert own[64].ratio == pytest.approx(1 / MS[n], rel=0.05)


def test_of_ties_that_are_as_fast_the_smaller_and_closer_alone_is_on_the_front(tuned, raced):
    run = tuned({4096: MS})
    (race,) = run.races
    alike = [
        each.model_copy(update={"distance_to_full": 0.5, "workspace_bytes": 1000 - each.chunk_size})
        for each in race.contenders
    ]
    run.races[:] = [race.model_copy(update={"contenders": alike})]
    assert one(run).front == [96, 128, 256]


def test_a_refusal_names_no_chunk_size_and_still_shows_what_was_seen(tuned):
    found = one(tuned({4096: MS}, noise=0.4))
    assert found.chunk_size is None
    assert found.refused.startswith("Too noisy")
    assert found.reference == found.fastest
    assert all(entry.ratio is not None for entry in found.entries)


def test_a_race_without_times_is_refused_with_every_reason(run, race, contender):
    made = run([])
    reason = "its workspace is too large"
    made.races.append(race([contender(64, outcome="excluded", reason=reason, miss=0.1)]))
    found = one(made)
    assert (found.chunk_size, found.fastest, found.latency_ms) == (None, None, None)
    assert "The nearest miss is n = 64" in found.refused
    assert [entry.remark for entry in found.entries] == [reason]
    assert isinstance(found.curve, Unfit)
    assert found.model_n is None


def test_one_that_was_not_measured_yet_is_not_checked(tuned):
    run = tuned({4096: MS})
    assert one(run).checked
    run.records.clear()
    assert (one(run).chunk_size, one(run).checked) == (64, False)


def test_a_finalist_that_disagrees_is_never_chosen(tuned, record):
    run = tuned({4096: MS})
    run.records[:] = [one for one in run.records if one.point.chunk_size != 64]
    run.records.append(record(seq_len=4096, chunk_size=64, status=Status.DISAGREES, reason="wrong"))
    found = one(run)
    assert found.chunk_size == 96
    (entry,) = (entry for entry in found.entries if entry.chunk_size == 64)
    assert (entry.remark, entry.on_front, entry.fresh) == (
        "in the fresh process: wrong",
        False,
        False,
    )
    assert any("n = 64 raced well" in caution for caution in found.cautions)


def test_a_run_without_races_has_none(run):
    assert decisions(run([])) == []
