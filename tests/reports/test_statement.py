import pytest

from reports import statement
from reports.compare import Verdict
from reports.frame import to_frame
from reports.schema import Status


def rows(run, *records):
    return to_frame([run(records)])


def series(run, record, times, **full_changes):
    """The sentence about HATrick for a median a length, against full attention at 10 ms."""
    made = []
    for T, ms in times.items():
        made.append(record("full", T, median_ms=10.0, **full_changes))
        made.append(record("hatrick", T, median_ms=ms))
    (only,) = statement.against_full(rows(run, *made))
    return only


def test_faster_from_some_length_on(run, record):
    found = series(run, record, {256: 20.0, 512: 10.1, 1024: 5.0, 2048: 2.0})
    assert [at.verdict for at in found.lengths] == [
        Verdict.SLOWER,
        Verdict.UNCLEAR,
        Verdict.FASTER,
        Verdict.FASTER,
    ]
    assert str(found) == (
        "hatrick is faster than full at every length both ran from T = 1k on: "
        "5.00× faster at T = 2k."
    )


def test_a_single_faster_length_below_the_longest_is_not_from_there_on(run, record):
    found = series(run, record, {256: 5.0, 512: 20.0})
    assert str(found) == "hatrick against full at T = 512, the longest both ran: 2.00× slower."


def test_faster_only_at_the_longest(run, record):
    found = series(run, record, {256: 10.0, 512: 5.0})
    assert str(found) == ("hatrick is 2.00× faster than full at T = 512, the longest both ran.")


def test_overlapping_intervals_are_no_difference(run, record):
    found = series(run, record, {256: 9.9})
    assert (
        str(found) == "hatrick against full at T = 256, the longest both ran: no clear difference."
    )


def test_missing_points_are_named(run, record):
    made = [
        record("full", 256, status=Status.OUT_OF_MEMORY),
        record("hatrick", 256),
        record("full", 512),
        record("hatrick", 512, status=Status.TIMEOUT),
        record("lsh", 1024),
    ]
    (found,) = statement.against_full(rows(run, *made))
    assert [at.text for at in found.lengths] == [
        "full: out of memory",
        "hatrick: timed out",
        "hatrick: not measured",
    ]
    assert str(found) == (
        "There is no length at which both hatrick and full gave a figure: "
        "full: out of memory; hatrick: timed out; hatrick: not measured."
    )


def test_lengths_in_common_without_a_figure_are_not_denied(run, record):
    made = [record("full", T, scope="core") for T in (256, 512)]
    made += [record("hatrick", T, scope="core", status=Status.UNSUPPORTED) for T in (256, 512)]
    (found,) = statement.against_full(rows(run, *made))
    assert str(found) == (
        "There is no length at which both hatrick and full gave a figure: hatrick: unsupported."
    )


def test_no_statement_without_full_or_without_hatrick(run, record):
    assert statement.against_full(rows(run, record("hatrick"))) == []
    assert statement.against_full(rows(run, record("full"), record("lsh"))) == []


def test_fastest_beyond_doubt(run, record):
    made = [record("full", median_ms=9.0), record("lsh", median_ms=2.0, chunk_size=32)]
    assert statement.fastest_at_longest(rows(run, *made)) == (
        "At T = 256, the longest, lsh (chunk 32) took 2.00 ms: the fastest of 2."
    )


def test_fastest_with_overlapping_intervals_is_in_doubt(run, record):
    made = [
        record("full", median_ms=2.01),
        record("lsh", median_ms=2.0),
        record("hatrick", median_ms=1.99),
        record("sliding_window", median_ms=9.0),
    ]
    assert statement.fastest_at_longest(rows(run, *made)) == (
        "At T = 256, the longest, hatrick (chunk 64) took 1.99 ms, the lowest median, but there is "
        "no clear difference to lsh and full."
    )


def test_fastest_within_the_noise_floor_is_in_doubt(run, record, noise):
    made = [record("full", median_ms=1.1), record("lsh", median_ms=1.0, spread=0.001)]
    frame = to_frame([run(made, noise=noise(spread=0.2))])
    assert "but the noise floor is as large as its difference to full." in (
        statement.fastest_at_longest(frame)
    )


def test_the_lowest_median_that_is_slower_round_by_round_is_in_doubt(run, record, visits):
    drift = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    made = [
        record("full", median_ms=3.0, latency=visits(1.0, drift, noise=0.0)),
        record("lsh", median_ms=2.9, latency=visits(1.2, drift, noise=0.001)),
    ]
    text = statement.fastest_at_longest(rows(run, *made))
    assert "lsh (chunk 64) took 2.90 ms, the lowest median, but round by round it is slower" in text


def test_a_throttled_point_is_never_the_fastest(run, record):
    made = [record("full", median_ms=9.0), record("lsh", median_ms=1.0, status=Status.THROTTLED)]
    text = statement.fastest_at_longest(rows(run, *made))
    assert "only full took 9.00 ms. No figure there from lsh (throttled)." in text


def test_too_few_samples_are_in_doubt(run, record):
    made = [record("full", median_ms=9.0, interval=False), record("lsh", median_ms=2.0)]
    assert "too few samples to set it apart from full" in statement.fastest_at_longest(
        rows(run, *made)
    )


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([("full", Status.OUT_OF_MEMORY), ("lsh", Status.OK)], "only lsh (chunk 64) took 1.00 ms."),
        ([("full", Status.TIMEOUT)], "nothing was measured."),
    ],
)
def test_what_is_absent_at_the_longest_is_said(run, record, records, said):
    made = [record(variant, status=status) for variant, status in records]
    text = statement.fastest_at_longest(rows(run, *made, record("hatrick", 128)))
    assert said in text
    words = {Status.OUT_OF_MEMORY: "out of memory", Status.TIMEOUT: "timed out"}[records[0][1]]
    assert f"hatrick (not measured) and full ({words})" in text


def test_what_was_foreseen_has_no_brackets_inside_brackets(run, record):
    made = [record("full", status=Status.OUT_OF_MEMORY, predicted=True), record("lsh")]
    text = statement.fastest_at_longest(rows(run, *made))
    assert text.endswith("No figure there from full (out of memory, predicted).")


def test_a_wrong_answer_is_never_the_fastest(run, record):
    made = [record("full", median_ms=9.0), record("lsh", median_ms=0.1, status=Status.DISAGREES)]
    text = statement.fastest_at_longest(rows(run, *made))
    assert "only full took 9.00 ms. No figure there from lsh (wrong answer)." in text
