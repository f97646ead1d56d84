import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.charts import axes

AXES = [axes.time_axis, axes.size_axis, axes.share_axis, axes.rate_axis, axes.intensity_axis]


def ticks_in_range(found):
    low, high = found["range"]
    return [tick for tick in found["tickvals"] if low < math.log10(tick) < high]


@pytest.mark.parametrize("axis", AXES)
@given(values=st.lists(st.floats(min_value=1, max_value=1e12), min_size=1, max_size=5))
def test_all_values_and_at_least_two_ticks_are_in_range(axis, values):
    found = axis(values)
    low, high = found["range"]
    assert low < math.log10(min(values))
    assert math.log10(max(values)) < high
    assert len(found["tickvals"]) == len(found["ticktext"])
    assert len(ticks_in_range(found)) >= 2


@pytest.mark.parametrize("values", [[8 * 1024], [6.9 * 1024, 12.6 * 1024]])
def test_a_narrow_range_of_sizes_lies_between_its_two_nearest_ticks(values):
    assert ticks_in_range(axes.size_axis(values)) == [4 * 1024, 16 * 1024]


def test_a_wide_range_is_not_widened():
    low, high = axes.time_axis([1.0, 100.0])["range"]
    assert (low, high) == pytest.approx((-0.14, 2.14))


@pytest.mark.parametrize("top", [0.2, 1.0, 3.0])
def test_distances_up_to_a_few_are_linear_from_zero_to_past_one(top):
    found = axes.distance_axis([0.0, top])
    low, high = found["range"]
    assert found.get("type") != "log"
    assert low < 0
    assert high > max(top, 1)


def test_distances_far_above_one_are_logarithmic_and_say_what_was_clipped():
    found = axes.distance_axis([axes.DISTANCE_FLOOR, 11.0])
    assert found["type"] == "log"
    assert found["title"]["text"] == "distance to full (below 0.01 drawn at 0.01)"
    assert ticks_in_range(found) == [0.01, 0.1, 1, 10]


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("values", [[], [0.0], [math.inf]])
def test_without_a_value_a_logarithm_can_show_there_is_still_an_axis(axis, values):
    low, high = axis(values)["range"]
    assert math.isfinite(low)
    assert low < high


def test_times_have_units():
    found = axes.time_axis([0.5, 3000.0])
    ticks = dict(zip(found["tickvals"], found["ticktext"], strict=True))
    assert ticks[1.0] == "1 ms"
    assert ticks[1000.0] == "1 s"


def test_sizes_are_powers_of_two_with_units():
    found = axes.size_axis([2**18, 2**24])
    ticks = dict(zip(found["tickvals"], found["ticktext"], strict=True))
    assert (ticks[2.0**20], ticks[2.0**18]) == ("1 MiB", "256 KiB")


def test_lengths_are_the_measured_ones():
    found = axes.length_axis([8192, 256, 256, 1024])
    assert found["tickvals"] == [256, 1024, 8192]
    assert found["ticktext"] == ["256", "1k", "8k"]


@given(lengths=st.lists(st.integers(1, 2**20), min_size=1, max_size=30))
def test_ticks_of_lengths_have_room_and_the_longest_always_has_its(lengths):
    found = axes.length_axis(lengths)
    ticks, (low, high) = found["tickvals"], found["range"]
    assert set(ticks) <= set(lengths)
    assert ticks[-1] == max(lengths)
    gaps = [math.log10(b / a) for a, b in itertools.pairwise(ticks)]
    assert all(gap >= axes.LENGTH_GAP * (high - low) - 1e-9 for gap in gaps)


def test_where_there_is_no_room_for_all_powers_of_two_come_first():
    found = axes.length_axis([1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 65536])
    assert found["ticktext"] == ["1k", "2k", "4k", "8k", "64k"]


def test_without_a_length_there_is_still_an_axis():
    low, high = axes.length_axis([])["range"]
    assert low < high


def test_a_single_length_has_room_around_it():
    low, high = axes.length_axis([512])["range"]
    assert low < math.log10(512) < high


def test_rates_have_units():
    assert axes.rate(1.234e12) == "1.23 TFLOP/s"
    assert axes.rate(9.99e8) == "999 MFLOP/s"
    assert axes.rate(2.5e10, "B/s") == "25.0 GB/s"
    assert "100 GFLOP/s" in axes.rate_axis([1e10, 1e12])["ticktext"]


@pytest.mark.parametrize(("top", "tick"), [(1.0, "1.2×"), (4.0, "2×"), (90.0, "64×")])
def test_multiples_begin_at_one(top, tick):
    found = axes.multiple_axis([1.0, top])
    assert 1.0 in ticks_in_range(found)
    assert tick in found["ticktext"]
