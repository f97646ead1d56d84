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
