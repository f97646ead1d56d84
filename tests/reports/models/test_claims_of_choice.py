import pytest

from reports.frame import to_frame
from reports.models import claims_of_choice
from reports.models.claims import scene

DRIFT = [1.0, 1.05, 0.97, 1.02, 0.99, 1.03]


@pytest.fixture
def said(run):
    def say(claim, records, **changes):
        return claim(scene(to_frame([run(records, **changes)])))

    return say


def test_the_best_chunk_size_at_both_ends_and_what_the_law_says(said, record, visits):
    made = []
    for T in (256, 512, 1024, 2048, 4096, 8192):
        for i, n in enumerate((16, 32, 64, 128)):
            ms = 1e-3 * T + 5e-6 * T * n + 5e-6 * T**2 / n
            samples = visits(ms, DRIFT, noise=0.002, offset=i)
            made.append(record("hatrick", T, chunk_size=n, median_ms=ms, latency=samples))
    claim = said(claims_of_choice.chunks, made)
    assert "The best chunk size of hatrick is 128" in claim.text
    assert "at T = 8,192, and 16" in claim.text
    assert "the law fitted to all of them has its minimum at n = 16" in claim.text
    assert "(√T = 91)" in claim.text
    assert claim.weight > 0


def test_chunk_sizes_that_are_alike_are_not_ranked(said, record):
    made = [record(chunk_size=n, median_ms=ms) for n, ms in ((32, 1.01), (64, 1.0), (128, 1.02))]
    claim = said(claims_of_choice.chunks, made)
    assert claim.text == (
        "The best chunk size of hatrick is not to be told at T = 256 (the lowest median is that "
        "of n = 64)."
    )
    assert claim.weight == 0


def test_those_that_tie_with_the_best_are_named(said, record):
    made = [record(chunk_size=n, median_ms=ms) for n, ms in ((32, 1.01), (64, 1.0), (128, 2.0))]
    claim = said(claims_of_choice.chunks, made)
    assert "is 64 (32 cannot be told from it) at T = 256" in claim.text


def test_one_chunk_size_is_no_choice(said, record):
    assert said(claims_of_choice.chunks, [record("full"), record("hatrick")]) is None


def test_the_share_of_the_roof_of_both(said, record, ceiling):
    # 10^6 FLOPs in 0.1 ms are 10^10 FLOP/s; 10^4 bytes would allow 10^12.
    made = [record("hatrick", median_ms=0.1), record("full", median_ms=0.2)]
    claim = said(claims_of_choice.hardware, made, ceilings=[ceiling(2e10, 1e10)])
    assert claim.text == (
        "At T = 256 hatrick (n = 64) runs at about 50% of the rate of a large matrix product on "
        "this device, full at 25%."
    )
    memory = said(claims_of_choice.hardware, made, ceilings=[ceiling(1e13, 1e9)])
    assert "10% of the rate of a large copy" in memory.text
    assert said(claims_of_choice.hardware, made) is None


def test_a_share_within_the_drift_weighs_nothing(said, record, ceiling):
    claim = said(
        claims_of_choice.hardware,
        [record("hatrick", median_ms=0.1)],
        ceilings=[ceiling(1.1e10, 1e10)],
    )
    assert claim.weight == 0


def test_who_is_both_faster_and_closer(said, record):
    made = [record("full", median_ms=9.0, distance=0.0), record("hatrick", distance=0.4)]
    beaten = [*made, record("lsh", median_ms=0.5, distance=0.1)]
    claim = said(claims_of_choice.agreement, beaten)
    assert claim.text == (
        "At T = 256 lsh (n = 64) is 2.00× as fast as hatrick (n = 64) and closer to full: "
        "distance 0.100 against 0.400."
    )
    assert claim.weight > 0
    kept = [*made, record("lsh", median_ms=0.5, distance=0.6)]
    assert said(claims_of_choice.agreement, kept).text == (
        "At T = 256 nothing else is both faster and closer to full than hatrick (n = 64), by the "
        "medians."
    )


def test_a_rival_that_is_not_clearly_faster_beats_nobody(said, record):
    made = [record("full", median_ms=9.0, distance=0.0), record("hatrick", distance=0.4)]
    made += [record("lsh", median_ms=0.999, distance=0.1)]
    assert said(claims_of_choice.agreement, made) is None
