import pytest

from reports.frame import to_frame
from reports.models import claims_against
from reports.models.claims import scene
from reports.schema import Status

DRIFT = [1.0, 1.05, 0.97, 1.02, 0.99, 1.03]
LENGTHS = (256, 512, 1024, 2048, 4096, 8192)


@pytest.fixture
def said(run):
    def say(claim, records):
        return claim(scene(to_frame([run(records)])))

    return say


@pytest.fixture
def both(record, visits):
    """HATrick as T and full as T², both in the same rounds, equal at T = 1024."""

    def make(crossing=1024.0):
        made = []
        for T in LENGTHS:
            for name, ms in (("full", (T / crossing) ** 2), ("hatrick", T / crossing)):
                samples = visits(ms, DRIFT, noise=0.004)
                made.append(record(name, T, median_ms=ms, latency=samples, workspace=T * 1024))
        return made

    return make


def test_who_overtakes_where_and_how_much_faster_it_is_then(said, both):
    claim = said(claims_against.speed, both())
    assert claim.text.startswith("hatrick overtakes full at T ≈ 1,0")
    assert "and is 8.00× (" in claim.text
    assert claim.text.endswith(") as fast at T = 8,192 (n = 64).")
    assert claim.weight == pytest.approx(2.08, abs=0.05)
    assert (claim.kind, claim.chart) == ("speed", "scaling")


def test_what_is_faster_throughout_overtakes_nothing(said, both):
    claim = said(claims_against.speed, both(crossing=16.0))
    assert claim.text.startswith("hatrick is faster than full at every length from T = 256 on: ")
    assert "overtakes" not in claim.text


def test_a_slower_hatrick_is_said_as_such(said, record):
    claim = said(claims_against.speed, [record("full"), record("hatrick", median_ms=3.0)])
    assert (
        claim.text == "full is 3.00× as fast as hatrick at T = 256 (n = 64), the longest both ran."
    )


def test_what_the_intervals_do_not_support_is_not_claimed(said, record, visits):
    made = [record("full"), record("hatrick", median_ms=1.01)]
    claim = said(claims_against.speed, made)
    assert claim.text == (
        "Whether hatrick or full is faster at T = 256 (n = 64) cannot be told: the intervals of "
        "their medians overlap."
    )
    assert claim.weight == 0
    noisy = visits(1.0, [1.0] * 6, noise=0.3)
    other = visits(1.01, [1.0] * 6, noise=0.3, offset=1)
    claim = said(claims_against.speed, [record("full", latency=noisy), record(latency=other)])
    assert "an interval that includes 1" in claim.text


def test_no_length_in_common_and_no_other_label(said, record):
    made = [record("full", 256), record("hatrick", 512)]
    assert "There is no length at which both" in said(claims_against.speed, made).text
    alone = said(claims_against.speed, [record("hatrick")])
    assert alone.text == (
        "hatrick (n = 64) took 1.00 ms (0.980–1.02) at T = 256; nothing else gave a figure."
    )


def test_both_chunk_sizes_are_named_where_both_have_one(said, record):
    claim = said(claims_against.speed, [record("lsh", median_ms=2.0), record("hatrick")])
    assert "at T = 256 (hatrick n = 64, lsh n = 64)" in claim.text


def test_exponents_that_differ_weigh_what_they_make_over_the_lengths(said, both):
    claim = said(claims_against.growth_of_latency, both())
    assert claim.text.startswith("At the fastest chunk sizes latency grows as T^1.00 (")
    assert "and as T^2.00 (" in claim.text
    assert claim.text.endswith("for full, from T = 256 to 8,192.")
    assert 2.0 < claim.weight < 3.5  # log(8192 / 256) is 3.47


def test_exponents_that_may_be_equal_weigh_nothing(said, record, visits):
    made = []
    for T in LENGTHS:
        for i, name in enumerate(("full", "hatrick")):
            samples = visits(T / 1e3, DRIFT, noise=0.01, offset=i)
            made.append(record(name, T, median_ms=T / 1e3, latency=samples))
    claim = said(claims_against.growth_of_latency, made)
    assert claim.text.endswith("which of the two grows faster cannot be told.")
    assert claim.weight == 0


def test_one_that_does_not_fit_is_said_with_its_reason(said, record):
    made = [record("hatrick", T, median_ms=T / 1e3) for T in LENGTHS]
    claim = said(claims_against.growth_of_latency, [*made, record("full", 256)])
    assert "how for full cannot be told: 1 length is too few" in claim.text
    assert claim.weight == 0
    assert said(claims_against.growth_of_latency, [record("hatrick"), record("full")]) is None


def test_workspace_less_more_and_the_same(said, record):
    def of(own, full):
        made = [record("full", workspace=full), record("hatrick", workspace=own)]
        return said(claims_against.workspace, made)

    assert of(100, 250).text == "At T = 256 hatrick (n = 64) takes 0.400× the workspace of full."
    assert "takes 2.50× the workspace of full" in of(250, 100).text
    assert "takes as much workspace as full" in of(1000, 1001).text
    assert of(250, 100).weight == pytest.approx(of(100, 250).weight)
    assert of(0, 100) is None


def test_workspace_grows_as_it_was_made_to(said, both):
    text = said(claims_against.workspace, both()).text
    assert (
        "; it grows as T^1.00 (1.00–1.00) for hatrick and as T^1.00 (1.00–1.00) for full, each at "
        "its fastest chunk sizes."
    ) in text


def test_a_length_that_one_alone_survives(said, record):
    made = [record("full", 256), record("full", 512, status=Status.OUT_OF_MEMORY)]
    made += [record("hatrick", T, median_ms=2.0) for T in (256, 512)]
    claim = said(claims_against.limit, made)
    assert claim.text == "At T = 512 hatrick (n = 64) took 2.00 ms; full: out of memory."
    assert claim.weight == pytest.approx(0.69, abs=0.01)


def test_how_far_the_memory_reaches_where_both_ran(run, both):
    small = run(both(), device_memory={"cpu": 100 * 2**20})
    claim = claims_against.limit(scene(to_frame([small])))
    assert claim.text.startswith(
        "By their workspace alone, carried on, this device's 100 MiB would hold hatrick up to T ≈ "
    )
    assert claim.weight == 0


def test_no_limit_is_claimed_that_lies_far_beyond_what_was_measured(said, both):
    assert said(claims_against.limit, both()) is None
