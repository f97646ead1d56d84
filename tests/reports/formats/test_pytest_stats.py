"""The statistics are pytest-benchmark's own, to the last digits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_benchmark.stats import Stats

from reports.formats.pytest_stats import stats

SAMPLES = st.lists(st.integers(1, 10**9), min_size=1, max_size=40)


@given(SAMPLES)
def test_they_are_what_pytest_benchmark_computes(nanoseconds: list[int]) -> None:
    samples = [value / 1e9 for value in nanoseconds]
    theirs = Stats()
    for sample in samples:
        theirs.update(sample)
    expected, found = theirs.as_dict(), stats(samples)
    assert found.keys() == expected.keys() | {"data", "iterations"}
    assert (found["data"], found["iterations"]) == (samples, 1)
    # Counts of outliers turn on the last digit of a bound where a sample lies on it.
    exact = {"rounds", "min", "max"}
    counted = {"outliers", "iqr_outliers", "stddev_outliers", "ld15iqr", "hd15iqr"}
    for name in expected.keys() - counted:
        wanted = expected[name]
        assert found[name] == (wanted if name in exact else pytest.approx(wanted, 1e-9, 1e-15))


def test_outliers_are_counted_as_there() -> None:
    samples = [1.0, 1.1, 1.2, 1.3, 1.4, 9.0]
    theirs = Stats()
    for sample in samples:
        theirs.update(sample)
    found = stats(samples)
    assert found["outliers"] == theirs.outliers == "1;1"
    assert (found["ld15iqr"], found["hd15iqr"]) == (theirs.ld15iqr, theirs.hd15iqr) == (1.0, 1.4)


def test_of_equal_samples_rounding_makes_no_outlier() -> None:
    found = stats([0.1] * 7)
    assert (found["outliers"], found["ld15iqr"], found["hd15iqr"]) == ("0;0", 0.1, 0.1)
