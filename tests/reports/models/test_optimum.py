import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from law_frames import CHUNK_TOKENS, CHUNKS, RATES, law_frame
from scipy.optimize import minimize_scalar

from reports.frame import to_frame
from reports.models.chunk_law import chunk_law
from reports.models.growth import Unfit
from reports.models.optimum import best_chunk, exponent_along, optima, optimum


@settings(deadline=None)
@given(
    st.floats(1e-7, 1e-3),
    st.floats(0, 1e-3),
    st.floats(1e-7, 1e-3),
    st.floats(16, 1e6),
)
def test_no_chunk_size_is_better_than_the_best(c, d, e, T):
    found = best_chunk(np.array([[1.0, 0.1, c, d, e]]), T)[0]

    def cost(log_n):
        n = math.exp(log_n)
        return c * n * T + d * T**2 / n + e * (T / n) ** 2

    searched = minimize_scalar(cost, bounds=(-20, 30), method="bounded", options={"xatol": 1e-10})
    assert cost(math.log(found)) <= searched.fun * (1 + 1e-12)


def test_without_the_square_it_is_the_root_of_the_length(run, record):
    law = chunk_law(law_frame(run, record, (0.4, 0.03, 7e-5, 7e-5, 0), projected=False))
    assert optimum(law, 4096).value == pytest.approx(64, rel=1e-3)


def test_the_interval_holds_the_true_optimum_and_narrows_with_the_noise(run, record):
    widths = []
    true = best_chunk(np.array([RATES]), 4096, CHUNK_TOKENS)[0]
    for own in (0.005, 0.03):
        found = optimum(chunk_law(law_frame(run, record, own=own, shared=0.1)), 4096)
        assert found.low < found.value < found.high
        assert found.low < true < found.high
        widths.append(found.high / found.low)
    assert widths[0] < widths[1]


@pytest.mark.parametrize(
    ("rates", "best", "words"),
    [
        ((0.4, 0.03, 7e-5, 0, 0), 0.0, "no cost of smaller chunks"),
        ((0.4, 0.03, 0, 7e-5, 0), math.inf, "no cost of larger chunks"),
    ],
)
def test_a_law_without_a_minimum_says_so_in_place_of_a_number(run, record, rates, best, words):
    frame = law_frame(run, record, rates, projected=False)
    law = chunk_law(frame)
    found = optima(frame, law)[-1]
    assert found.chunk_size == best
    assert words in found.remark
    along = exponent_along(law, [256, 8192])
    assert isinstance(along, Unfit)
    assert words in along.reason


def test_the_measured_best_stands_beside_the_law(run, record):
    frame = law_frame(run, record)
    found = optima(frame, chunk_law(frame))
    assert [one.seq_len for one in found] == sorted(frame["seq_len"].unique())
    at_4k = found[4]
    assert (at_4k.measured, at_4k.remark) == (64, "")
    assert at_4k.chunk_size == pytest.approx(
        best_chunk(np.array([RATES]), 4096, CHUNK_TOKENS)[0], rel=1e-3
    )
    assert found[0].chunk_size < CHUNKS[0]
    assert "outside the measured chunk sizes, 32 to 256" in found[0].remark


def test_chunk_sizes_that_are_not_clearly_slower_tie(run, record):
    made = [
        record("hatrick", 1024, chunk_size=n, median_ms=ms, spread=0.02)
        for n, ms in ((32, 1.0), (64, 1.01), (128, 1.02), (256, 2.0))
    ]
    frame = to_frame([run(made)])
    (found,) = optima(frame, chunk_law(frame))
    assert (found.measured, found.ties) == (32, (64, 128))
    # One length is no law: the measured best is still there, and n* is not.
    assert math.isnan(found.chunk_size)
    assert "needs 4 lengths; there is 1" in found.remark


def test_attention_alone_grows_with_the_power_of_one_and_a_half(run, record):
    law = chunk_law(law_frame(run, record, (0, 0, 7e-5, 7e-5, 0)))
    assert exponent_along(law, [256, 8192]).value == pytest.approx(1.5, abs=1e-4)


def test_projections_bring_the_exponent_towards_one(run, record):
    law = chunk_law(law_frame(run, record, own=0.01))
    found = exponent_along(law, [256, 1024, 8192])
    assert 1 < found.low < found.value < found.high < 1.5


def test_an_exponent_needs_two_lengths(run, record):
    law = chunk_law(law_frame(run, record))
    with pytest.raises(ValueError, match="two lengths that differ"):
        exponent_along(law, [256, 256])
