import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import units

SCALE = {"ms": 1, "s": 1e3, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def value_of(text):
    number, unit = text.split(" ")
    return float(number) * SCALE[unit]


@given(st.floats(min_value=1e-6, max_value=1e7))
def test_a_duration_reads_back_within_its_three_digits(ms):
    text = units.duration(ms)
    assert value_of(text) == pytest.approx(ms, rel=0.0051)
    assert "e" not in text.split(" ")[0]


@given(st.integers(min_value=0, max_value=2**45))
def test_a_size_reads_back_within_its_three_digits(count):
    assert value_of(units.size(count)) == pytest.approx(count, rel=0.0051)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0.0123, "0.0123 ms"),
        (1.0, "1.00 ms"),
        (12.34, "12.3 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (1234.0, "1.23 s"),
        (0.0, "0 ms"),
    ],
)
def test_durations(ms, text):
    assert units.duration(ms) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (1536 * 1024, "1.50 MiB"),
        (2**30 - 1, "1.00 GiB"),
        (3 * 2**40, "3.00 TiB"),
    ],
)
def test_sizes(count, text):
    assert units.size(count) == text


def test_a_measured_time_keeps_its_interval_in_the_same_unit():
    assert units.measured(12.34, 12.1, 12.56) == "12.3 ms (12.1–12.6)"
    assert units.measured(1000.0, 990.0, 1010.0) == "1.00 s (0.990–1.01)"
    assert units.measured(12.34, math.nan, math.nan) == "12.3 ms"


@pytest.mark.parametrize(
    ("count", "text"), [(1, "1"), (256, "256"), (1000, "1000"), (4096, "4k"), (1536, "1.5k")]
)
def test_tokens(count, text):
    assert units.tokens(count) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.01, "1%"), (0.034, "3.4%"), (0.0052, "0.52%"), (0.123, "12%"), (1.0, "100%"), (0.0, "0%")],
)
def test_percents(share, text):
    assert units.percent(share) == text


def test_factors_errors_and_distances():
    assert units.factor(1.0449) == "1.04×"
    assert units.factor(0.5) == "0.500×"
    assert units.scientific(0.0) == "0"
    assert units.scientific(3.14e-7) == "3.1e-07"
    assert units.distance(0.41234) == "0.412"
    assert units.distance(2e-7) == "2.0e-07"
    assert units.distance(math.nan) == ""
    assert units.cosine(0.91234) == "0.912"
    assert units.cosine(math.nan) == ""
