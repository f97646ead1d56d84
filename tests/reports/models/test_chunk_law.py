import re

import numpy as np
import pytest
from law_frames import CHUNK_TOKENS, CHUNKS, DIM, LENGTHS, RATES, law_frame

from reports.models.chunk_law import TERMS, ChunkLaw, chunk_law, terms
from reports.models.growth import Unfit


def test_the_terms_are_what_their_names_say():
    assert list(terms(6, 2)) == [1, 6, 12, 18, 9]
    assert terms([[6], [8]], [1, 2, 4]).shape == (2, 3, len(TERMS))


def test_points_of_the_law_give_its_coefficients_back(run, record):
    law = chunk_law(law_frame(run, record))
    assert law.coefficients == pytest.approx(RATES, rel=1e-5)
    assert law.error < 1e-6
    assert law.at(1024, 64) == pytest.approx(terms(1024, 64, law.chunk_tokens) @ RATES)
    assert (law.since, law.until, law.chunk_sizes) == (LENGTHS[0], LENGTHS[-1], CHUNKS)


def test_noise_widens_the_intervals_around_the_estimate(run, record):
    law = chunk_law(law_frame(run, record, own=0.02, shared=0.05))
    assert np.all(law.low <= law.coefficients)
    assert np.all(law.coefficients <= law.high)
    assert law.low[2] > 0
    assert law.low[4] == 0  # among these points it is at most 4% of the latency
    assert law.draws.shape == (len(law.draws), 5)


def test_the_cost_model_has_one_price_for_every_pair(run, record):
    law = chunk_law(law_frame(run, record))
    assert law.flops[2:] == pytest.approx(np.full(3, 4 * DIM), rel=1e-6)
    assert law.flops[1] == pytest.approx(12 * DIM**2 + 8 * DIM, rel=1e-6)
    assert law.chunk_tokens == pytest.approx(CHUNK_TOKENS, rel=1e-6)
    assert law.flops_error < 1e-6


def test_rates_are_the_cost_over_the_time_of_each_term(run, record):
    law = chunk_law(law_frame(run, record))
    assert law.rates[2] == pytest.approx(4 * DIM / 7e-8, rel=1e-4)


def test_a_term_that_takes_no_time_has_no_rate(run, record):
    law = chunk_law(law_frame(run, record, (0.4, 0.03, 7e-5, 0, 0)))
    assert np.isnan(law.rates[3:]).all()
    assert np.isfinite(law.rates[:3]).all()


def test_projections_of_chunks_do_not_pass_for_terms_of_the_attention(run, record):
    # Neither T²/n nor (T/n)², but a chunk's projections, which grow with 1/n as these do.
    seen = []
    for seed in range(40):
        rates = (0.4, 0.03, 7e-5, 0, 0)
        law = chunk_law(law_frame(run, record, rates, own=0.02, shared=0.05, seed=seed))
        seen += [bool((law.low[3:] > 0).any())]
    assert sum(seen) <= 5


def test_without_a_cost_there_are_coefficients_but_no_rates(run, record):
    frame = law_frame(run, record, projected=False)
    frame["flops"] = frame["flops"].mask(frame.index == 3)
    law = chunk_law(frame)
    assert law.chunk_tokens == 0
    assert np.isnan(law.rates).all()
    assert np.isnan(law.flops_error)
    assert law.coefficients == pytest.approx(RATES, rel=1e-5)


def test_shares_are_of_the_latency_and_add_up_to_it(run, record):
    law = chunk_law(law_frame(run, record))
    shares = law.shares([1024, 4096], 64)
    assert shares.sum(axis=1) == pytest.approx([1, 1])
    assert shares[1, 2] == pytest.approx(4096 * 64 * 7e-5 / law.at(4096, 64))


def test_a_chunk_longer_than_the_sequence_takes_no_part(run, record):
    frame = law_frame(run, record, chunks=(*CHUNKS, 512))
    frame.loc[(frame["seq_len"] == 256) & (frame["chunk_size"] == 512), "latency_ms"] = 1e6
    law = chunk_law(frame)
    assert len(law.rows) == len(frame) - 1
    assert law.coefficients == pytest.approx(RATES, rel=1e-5)


def test_points_that_are_not_ok_take_no_part(run, record):
    frame = law_frame(run, record)
    frame.loc[5, ["status", "latency_ms"]] = ["throttled", 1e6]
    law = chunk_law(frame)
    assert 5 not in law.rows
    assert law.error < 1e-6


@pytest.mark.parametrize(
    ("lengths", "chunks", "words"),
    [
        (LENGTHS, (32, 64), "needs 3 chunk sizes .* there are 2"),
        ((256, 512, 1024), CHUNKS, "needs 4 lengths; there are 3"),
    ],
)
def test_too_few_points_are_no_law(run, record, lengths, chunks, words):
    found = chunk_law(law_frame(run, record, lengths=lengths, chunks=chunks))
    assert isinstance(found, Unfit)
    assert re.search(words, found.reason)


def test_too_few_of_the_grid_left_are_no_law(run, record):
    frame = law_frame(run, record)
    keep = frame.groupby("seq_len").head(1).index.union([1, 2])[:5]
    frame.loc[frame.index.difference(keep), "status"] = "timeout"
    assert isinstance(chunk_law(frame), Unfit)


def test_points_of_no_such_law_are_no_law_and_it_says_by_how_much(run, record):
    found = chunk_law(law_frame(run, record, own=0.6))
    assert isinstance(found, Unfit)
    assert "misses the points by" in found.reason


def test_two_labels_are_refused(run, record):
    frame = law_frame(run, record)
    frame.loc[0, "label"] = "lsh"
    with pytest.raises(ValueError, match="hatrick, lsh; give the rows of one label"):
        chunk_law(frame)


def test_a_window_has_no_chunks_to_attend_to(run, record):
    frame = law_frame(run, record, (0.4, 0.03, 7e-5, 0, 0), variant="sliding_window", own=0.02)
    law = chunk_law(frame)
    assert isinstance(law, ChunkLaw)
    assert law.low[2] > 0
    assert list(law.low[3:]) == [0, 0]
