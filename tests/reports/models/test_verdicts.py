from law_frames import law_frame

from reports.models.chunk_law import chunk_law
from reports.models.verdicts import seen, verdicts

LONG = (512, 2048, 8192, 32768, 131072)


def said(run, record, *rates, **changes):
    return " ".join(verdicts(chunk_law(law_frame(run, record, *rates, **changes))))


def test_a_law_with_all_three_terms_in_sight_is_said_to_have_them(run, record):
    rates = (0.4, 0.03, 7e-5, 7e-5, 7e-4)
    words = said(run, record, rates, lengths=LONG, chunks=(8, 16, 32, 64, 128), own=0.005)
    assert "All three terms" in words
    assert "cannot be told from 0" not in words


def test_a_term_too_small_for_the_range_is_not_said_to_be_seen(run, record):
    law = chunk_law(law_frame(run, record, own=0.02, shared=0.05))
    words = " ".join(verdicts(law))
    assert not seen(law)[4]
    assert "(T/n)² cannot be told from 0 in this range: it is at most" in words
    assert "T·n and T²/n are seen in this range; (T/n)² cannot be told from 0." in words


def test_a_window_shows_neither_of_the_chunk_terms(run, record):
    words = said(run, record, (0.4, 0.03, 7e-5, 0, 0), own=0.02)
    assert "T·n is seen" in words
    assert "T²/n is seen" not in words


def test_two_terms_that_only_their_sum_shows_are_said_to_be_there_together(run, record):
    law = chunk_law(law_frame(run, record, (0.4, 0.03, 7e-5, 5e-5, 2e-5), own=0.05))
    assert seen(law)[2:] == [True, False, False]
    assert "T·n is seen, and T²/n and (T/n)² are seen together" in " ".join(verdicts(law))


def test_what_no_chunk_size_changes_is_told_from_the_form(run, record):
    # With n = 32 it is 8.36 of 9.08 ms at T = 256, and 255 of 425 ms at T = 8192.
    assert "a + b·T, is 60% to 92% of the latency" in said(run, record)


def test_the_fit_says_how_far_off_it_is_and_where(run, record):
    frame = law_frame(run, record)
    frame.loc[frame.index[-1], "latency_ms"] *= 1.3
    (first, *_) = verdicts(chunk_law(frame))
    assert "24 points of 6 lengths from 256 to 8k" in first
    assert "T = 8k with n = 256" in first


def test_rates_stand_beside_the_devices(run, record, ceiling):
    frame = law_frame(run, record)
    frame["flops_ceiling"] = 2e10
    # 256 FLOPs in 70 ns are 3.66 GFLOP/s.
    assert "3.66 GFLOP/s (3.66–3.66), 18% of a large matrix product's" in said_of(frame)


def test_without_a_cost_no_rate_and_no_cost_is_spoken_of(run, record):
    frame = law_frame(run, record)
    frame["flops"] = frame["flops"].mask(frame["flops"] > 0)
    words = said_of(frame)
    assert "FLOP" not in words
    assert "cost model" not in words


def test_a_unit_of_each_term_is_compared_as_measured_and_as_counted(run, record):
    frame = law_frame(run, record, (0.4, 0.03, 7e-5, 14e-5, 7e-5))
    assert "A unit of T²/n takes 2.00× (2.00–2.00) as long as one of T·n" in said_of(frame)
    assert "the cost model has 1.00×" in said_of(frame)


def said_of(frame):
    return " ".join(verdicts(chunk_law(frame)))
