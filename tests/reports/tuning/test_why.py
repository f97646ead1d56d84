from __future__ import annotations

from reports.models.growth import Unfit
from reports.models.optimum import Interval
from reports.tuning.model import EACH_CHUNK, Curve
from reports.tuning.why import why

RATIOS = {16: 2.0, 32: 1.3, 64: 1.05, 128: 1.0, 256: 1.06, 512: 1.5}


def made(p, q, e=0.0, names=("T·n", "T²/n", "(T/n)²")):
    return Curve(Interval(128, 120, 140), True, names, ((p, 1.0), (q, -1.0), (e, -2.0)), fixed=0.5)


def test_each_side_names_the_term_that_grows_most():
    assert why(made(0.002, 30.0), RATIOS, 128) == "below 64 the T²/n term, above 256 the T·n term"
    squared = made(0.002, 1.0, 900.0)
    assert why(squared, RATIOS, 128).startswith("below 64 the (T/n)² term")


def test_terms_that_cannot_be_told_apart_are_what_a_chunk_costs():
    one = made(0.002, 20.0, 300.0, names=("T·n", EACH_CHUNK, EACH_CHUNK))
    assert why(one, RATIOS, 128).startswith("below 64 what each chunk costs, above")


def test_a_side_that_the_model_does_not_explain_is_left_out():
    assert why(made(1e-6, 30.0), RATIOS, 128) == "below 64 the T²/n term"
    assert why(made(0.002, 1e-6), RATIOS, 128) == "above 256 the T·n term"
    assert why(Unfit("none"), RATIOS, 128) == ""


def test_a_side_without_anything_slower_says_nothing():
    one_sided = {n: ratio for n, ratio in RATIOS.items() if n <= 256}
    assert why(made(0.002, 30.0), one_sided, 128) == "below 64 the T²/n term"


def test_where_all_are_alike_there_is_nothing_to_explain():
    flat = {64: 1.05, 128: 1.0, 256: 1.06}
    assert why(Unfit("none"), flat, 128) == "from 64 to 256 nothing is 10% slower"
    assert why(Unfit("none"), {128: 1.0}, 128) == ""
