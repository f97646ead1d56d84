import math

import pytest

from reports.compare import Verdict, compare, fastest, reference_at
from reports.frame import to_frame
from reports.schema import Status


def pair(run, record, own, full):
    """A row of HATrick and one of full attention."""
    frame = to_frame([run([record("hatrick", **own), record("full", **full)])])
    return frame.iloc[0], frame.iloc[1]


@pytest.mark.parametrize(
    ("own_ms", "verdict", "text"),
    [
        (1.0, Verdict.FASTER, "2.00× faster"),
        (4.0, Verdict.SLOWER, "2.00× slower"),
        (2.05, Verdict.UNCLEAR, "no clear difference"),
    ],
)
def test_verdicts(run, record, own_ms, verdict, text):
    own, full = pair(run, record, {"median_ms": own_ms}, {"median_ms": 2.0})
    found = compare(own, full)
    assert (found.verdict, str(found)) == (verdict, text)
    assert found.ratio == pytest.approx(2.0 / own_ms)


def test_intervals_that_touch_are_no_difference(run, record):
    own, full = pair(
        run,
        record,
        {"median_ms": 1.0, "spread": 0.5},
        {"median_ms": 3.0, "spread": 0.5},
    )
    assert own["latency_high_ms"] == full["latency_low_ms"]
    assert compare(own, full).verdict is Verdict.UNCLEAR
    assert compare(full, own).verdict is Verdict.UNCLEAR


def test_without_an_interval_nothing_is_claimed(run, record):
    own, full = pair(run, record, {"median_ms": 1.0, "interval": False}, {"median_ms": 9.0})
    assert str(compare(own, full)) == "too few samples to tell"


def test_a_clock_too_coarse_claims_nothing(run, record):
    own, full = pair(run, record, {"median_ms": 0.0}, {"median_ms": 1.0})
    found = compare(own, full)
    assert found.verdict is Verdict.UNCLEAR
    assert math.isnan(found.ratio)


DRIFT = [1.0, 1.3, 1.7, 2.2, 2.8, 3.5]
"""As the machine slows down from round to round: far more than the two differ by."""


def drifting(visits, own_ms, full_ms=1.0, drift=DRIFT):
    """Two points that took turns on a machine that drifts; their own intervals overlap widely."""
    return (
        {"spread": 0.5, "latency": visits(own_ms, drift, noise=0.002)},
        {"spread": 0.5, "latency": visits(full_ms, drift, noise=0.002, offset=1)},
    )


@pytest.mark.parametrize(
    ("own_ms", "verdict", "start"),
    [
        (0.8, Verdict.FASTER, "1.25× faster (1.2"),
        (1.25, Verdict.SLOWER, "1.25× slower (1.2"),
        (1.0, Verdict.UNCLEAR, "no clear difference"),
    ],
)
def test_rounds_in_common_show_what_a_drift_would_hide(run, record, visits, own_ms, verdict, start):
    own, full = pair(run, record, *drifting(visits, own_ms))
    found = compare(own, full)
    assert found.verdict is verdict
    assert str(found).startswith(start)
    low, high = found.interval
    assert low < 1 / own_ms < high
    assert found.ratio == pytest.approx(1 / own_ms, rel=0.01)


def test_the_interval_of_slower_is_the_other_way_round(run, record, visits):
    own, full = pair(run, record, *drifting(visits, 1.5))
    there, back = compare(own, full), compare(full, own)
    assert str(there).replace("slower", "faster") == str(back)
    low, high = (float(end) for end in str(there).split("(")[1].rstrip(")").split("–"))
    assert low <= 1.5 <= high


@pytest.mark.parametrize(
    ("own", "full"),
    [
        ({"device": "cuda:1"}, {"device": "cuda:0"}),
        ({"rounds": list(range(100, 140))}, {}),
        ({}, {"rounds": list(range(100, 140))}),
    ],
)
def test_points_that_did_not_take_turns_are_compared_by_their_intervals(
    run, record, visits, own, full
):
    figures = drifting(visits, 0.5)
    for side, changes in zip(figures, (own, full), strict=True):
        rounds = changes.pop("rounds", None)
        side |= changes
        if rounds:  # those of another sitting
            side["latency"]["rounds"] = rounds[: len(side["latency"]["visits"])]
    row, reference = pair(run, record, *figures)
    found = compare(row, reference)
    assert found.interval is None
    assert found.verdict is Verdict.UNCLEAR


def test_only_the_rounds_in_common_count(run, record, visits):
    """After a break one of them had further visits by itself, on a machine twice as fast."""
    own, full = drifting(visits, 0.5)
    alone = compare(*pair(run, record, own, full))
    latency = own["latency"]
    latency["samples_ms"] = latency["samples_ms"] + [0.01] * 9
    latency["rounds"] = [*range(len(latency["visits"])), 100, 101, 102]
    latency["visits"] = [*latency["visits"], 3, 3, 3]
    assert compare(*pair(run, record, own, full)) == alone


def test_points_of_two_runs_did_not_take_turns(run, record, visits):
    own, full = drifting(visits, 0.5)
    runs = [run([record(**own)], name="monday"), run([record("full", **full)], name="friday")]
    frame = to_frame(runs)
    assert compare(frame.iloc[0], frame.iloc[1]).interval is None


def test_with_too_few_rounds_in_common_the_intervals_decide(run, record, visits):
    own, full = pair(run, record, *drifting(visits, 0.5, drift=[1.0, 1.1]))
    found = compare(own, full)
    assert (found.verdict, found.interval) == (Verdict.UNCLEAR, None)


def test_a_visit_too_short_for_the_clock_has_no_ratio(run, record, visits):
    own, full = drifting(visits, 0.5)
    own["latency"]["samples_ms"][0] = 0.0
    assert compare(*pair(run, record, own, full)).interval is None


@pytest.mark.parametrize(
    ("own_ms", "spread", "verdict"),
    [
        (0.98, 0.03, Verdict.WITHIN_NOISE),
        (1.02, 0.03, Verdict.WITHIN_NOISE),
        (0.98, 0.01, Verdict.FASTER),
        (0.5, 0.03, Verdict.FASTER),
    ],
)
def test_a_difference_as_small_as_the_noise_is_none(run, record, noise, own_ms, spread, verdict):
    made = [record("hatrick", median_ms=own_ms, spread=0.001), record("full", spread=0.001)]
    frame = to_frame([run(made, noise=noise(spread=spread))])
    found = compare(frame.iloc[0], frame.iloc[1])
    assert found.verdict is verdict
    assert found.ratio == pytest.approx(1 / own_ms)


def test_rounds_in_common_are_not_above_the_noise_floor_either(run, record, noise, visits):
    own, full = drifting(visits, 0.97)
    made = [record("hatrick", **own), record("full", **full)]
    for spread, verdict in ((0.05, Verdict.WITHIN_NOISE), (0.01, Verdict.FASTER)):
        frame = to_frame([run(made, noise=noise(spread=spread))])
        assert compare(frame.iloc[0], frame.iloc[1]).verdict is verdict


def test_equal_latencies_within_the_noise_are_no_clear_difference(run, record, noise):
    frame = to_frame([run([record("hatrick"), record("full")], noise=noise())])
    assert compare(frame.iloc[0], frame.iloc[1]).verdict is Verdict.UNCLEAR


def test_a_throttled_point_is_not_the_fastest(run, record):
    made = [
        record("hatrick", chunk_size=32, median_ms=0.1, status=Status.THROTTLED),
        record("hatrick", chunk_size=64, median_ms=1.0),
    ]
    assert fastest(to_frame([run(made)]))["chunk_size"].tolist() == [64]


def test_fastest_takes_the_lowest_median_of_each_length(run, record):
    made = [
        record("hatrick", T, chunk_size=n, median_ms=ms)
        for T, n, ms in [(256, 32, 2.0), (256, 64, 1.0), (512, 32, 3.0), (512, 64, 4.0)]
    ]
    best = fastest(to_frame([run(made)]))
    assert best[["seq_len", "chunk_size"]].to_numpy().tolist() == [[256, 64], [512, 32]]


def test_a_fast_wrong_answer_is_not_the_fastest(run, record):
    made = [
        record("hatrick", chunk_size=32, median_ms=0.1, status=Status.DISAGREES),
        record("hatrick", chunk_size=64, median_ms=1.0),
    ]
    assert fastest(to_frame([run(made)]))["chunk_size"].tolist() == [64]


def test_reference_is_the_fastest_full_attention_of_the_length(run, record):
    made = [
        record("full", T, backend=name, backend_used=name, median_ms=ms)
        for T, name, ms in [(256, "plain", 5.0), (256, "sdpa", 3.0), (512, "sdpa", 9.0)]
    ]
    best = fastest(to_frame([run([*made, record("lsh", 256, median_ms=1.0)])]))
    assert reference_at(best, 256)["latency_ms"] == 3.0
    assert reference_at(best, 1024) is None
