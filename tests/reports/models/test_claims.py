import math

import pytest

from reports.compare import Comparison, Verdict, compare
from reports.frame import to_frame
from reports.models import claims
from reports.schema import Status


def scene(run, *records):
    return claims.scene(to_frame([run(records)]))


def test_hatrick_is_held_against_full_whatever_else_is_faster(run, record):
    made = [record("lsh", median_ms=0.1), record("full"), record("hatrick", median_ms=2.0)]
    found = scene(run, *made)
    assert (found.own, found.other) == ("hatrick", "full")


def test_of_two_of_a_kind_the_one_that_got_farthest(run, record):
    made = [
        record("full", T, backend=name, backend_used=name) for T, name in ((256, "a"), (512, "b"))
    ]
    found = scene(run, record("hatrick"), *made)
    assert found.other == "full · b"


def test_where_one_is_missing_the_fastest_of_the_others(run, record):
    made = [record("lsh", median_ms=3.0), record("mine", median_ms=2.0)]
    assert scene(run, record("hatrick"), *made).other == "mine"
    found = scene(run, record("full"), *made)
    assert (found.own, found.other) == ("mine", "full")
    alone = scene(run, record("full"))
    assert (alone.own, alone.other, alone.labels()) == ("full", None, ["full"])


def test_nothing_ok_is_no_scene(run, record):
    assert scene(run, record(status=Status.CRASHED)) is None


def test_lengths_are_those_that_all_have(run, record):
    made = [record("full", T) for T in (256, 512)] + [record("hatrick", T) for T in (512, 1024)]
    found = scene(run, *made)
    assert found.lengths("hatrick") == [512, 1024]
    assert found.lengths("hatrick", "full") == [512]


def test_what_is_beyond_doubt_is_the_nearer_end_of_the_interval(run, record):
    frame = to_frame([run([record("full", median_ms=4.0), record("hatrick")])])
    full, own = frame.iloc[0], frame.iloc[1]
    # Medians 4 and 1, each ± 2%, without rounds in common.
    nearer = math.log(4 * 0.98 / 1.02)
    assert claims.beyond(compare(own, full), own, full) == pytest.approx(nearer)
    assert claims.beyond(compare(full, own), full, own) == pytest.approx(nearer)
    paired = Comparison(2.0, Verdict.FASTER, (1.5, 3.0))
    assert claims.beyond(paired, own, full) == pytest.approx(math.log(1.5))
    assert claims.beyond(Comparison(1.1, Verdict.UNCLEAR, (0.9, 1.3)), own, full) == 0


def test_without_an_interval_nothing_is_beyond_doubt(run, record):
    frame = to_frame([run([record("full", interval=False), record("hatrick")])])
    own, full = frame.iloc[1], frame.iloc[0]
    assert claims.beyond(compare(own, full), own, full) == 0


def test_words():
    assert claims.about(1934.2, 1871.0, 2010.9) == "1,930 (1,870–2,010)"
    assert claims.power(1.306, 1.249, 1.384) == "T^1.31 (1.25–1.38)"
    faster = Comparison(6.1, Verdict.FASTER, (5.9, 6.31))
    assert claims.ratio_in_words(faster, "as fast") == "6.10× (5.90–6.31) as fast"
    assert claims.ratio_in_words(Comparison(6.1, Verdict.FASTER), "as fast") == "6.10× as fast"
    assert claims.inverse(faster).interval == pytest.approx((1 / 6.31, 1 / 5.9))
    assert [claims.listed(list(names)) for names in ("a", "ab", "abc")] == [
        "a",
        "a and b",
        "a, b and c",
    ]
