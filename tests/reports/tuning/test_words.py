from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from reports.models.growth import Unfit
from reports.models.optimum import Interval
from reports.tuning import words
from reports.tuning.decision import decisions

MS = {16: 1.6, 32: 1.3, 64: 1.0, 96: 1.005, 128: 1.002, 256: 1.4}


@pytest.fixture
def decision(tuned):
    (found,) = decisions(tuned({4096: MS}))
    return found


def with_best(decision, *ends):
    return replace(decision, curve=replace(decision.curve, best=Interval(*ends)))


def test_the_sentence_has_all_of_the_answer(tuned, by_law):
    (found,) = decisions(tuned(by_law()))
    best = found.curve.best
    slowest = found.entries[-1].ratio.ratio
    assert words.sentence(found) == (
        f"T = 4,096: n = {found.chunk_size} (tie: 32); {slowest:.2f} times as fast as "
        f"n = 512; model says {best.value:.0f} ({best.low:.0f}–{best.high:.0f}); theory's √T says "
        "64 and the least FLOPs 64; why: below 32 what each chunk costs, above 64 the T·n term."
    )


def test_ties_that_follow_each_other_are_a_range_and_others_a_list(decision):
    assert words.tie(replace(decision, fastest=64, ties=[96, 128])) == "64 to 128"
    assert words.tie(replace(decision, fastest=64, ties=[128])) == "128"
    assert words.tie(replace(decision, fastest=32, ties=[64, 128])) == "64 and 128"
    assert words.tie(replace(decision, ties=[])) == ""


def test_a_model_without_an_end_says_which_cost_it_does_not_see(decision):
    assert words.model(with_best(decision, 118.2, 101.0, 135.0)) == "model says 118 (101–135)"
    assert "(any smaller–any larger)" in words.model(with_best(decision, 118.2, 0.0, inf))
    assert words.model(with_best(decision, inf, 99.0, inf)) == (
        "model sees no cost of larger chunks"
    )
    assert words.model(with_best(decision, 0.0, 0.0, 9.0)) == "model sees no cost of smaller chunks"
    without = replace(decision, curve=Unfit("x"))
    assert words.model(without) == ""
    assert "model" not in words.sentence(without)


def test_a_refusal_is_the_sentence(decision):
    refused = replace(decision, chunk_size=None, refused="Too noisy; run `hatrick tune` again")
    assert words.sentence(refused) == (
        "T = 4,096: no recommendation. Too noisy; run `hatrick tune` again."
    )
    assert words.notes(refused) == refused.cautions


def test_another_preference_says_what_it_costs(tuned):
    (found,) = decisions(tuned({4096: MS}, spec={"prefer": "memory"}))
    said = words.chosen(found)
    assert said.startswith("n = 16, the least workspace; it takes 1.6")
    assert f"times as long as the fastest, n = {found.fastest} (tie: 64 to 128)" in said
    (note,) = (note for note in words.notes(found) if "disagree" in note)
    assert "`--prefer latency` or `--prefer distance`" in note
    tied = replace(found, chunk_size=96)
    assert words.chosen(tied).startswith("n = 96, the least workspace of those that tie")


def test_what_became_of_each_in_a_word(decision):
    n = decision.chunk_size
    said = {e.chunk_size: words.outcome(e, decision) for e in decision.entries}
    tied = {64: "tie", 96: "tie", 128: "tie"} | {n: "chosen"}
    assert said == {16: "dropped", 32: "dropped", 256: "dropped"} | tied
    entry = decision.entries[0]
    assert words.outcome(replace(entry, ties=False, fresh=True), decision) == "slower"
    failed = replace(entry, remark="no memory")
    assert words.outcome(failed, decision) == entry.contender.outcome
    finalist = replace(decision.entries[2], remark="in the fresh process: wrong")
    assert words.outcome(finalist, decision) == "not confirmed"


def test_cautions_of_all_lengths_are_said_once(tuned, by_law, noise):
    found = decisions(
        tuned(by_law((1024, 4096)), noise_of_machine=noise(fit=False)),
    )
    (for_all,) = words.shared(found)
    assert for_all.startswith("The selftest")
    assert all(for_all in words.notes(each) for each in found)
    assert all(for_all not in words.notes(each, [for_all]) for each in found)
    assert words.shared(found[:1]) == []
