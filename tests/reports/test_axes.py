import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import axes

AXES = [axes.time_axis, axes.size_axis, axes.share_axis]


@pytest.mark.parametrize("axis", AXES)
@given(values=st.lists(st.floats(min_value=1, max_value=1e12), min_size=1, max_size=5))
def test_all_values_and_at_least_one_tick_are_in_range(axis, values):
    found = axis(values)
    low, high = found["range"]
    assert low < math.log10(min(values))
    assert math.log10(max(values)) < high
    assert len(found["tickvals"]) == len(found["ticktext"])
    shown = [tick for tick in found["tickvals"] if low <= math.log10(tick) <= high]
    # A narrow range may fall between two ticks; a range of a decade never does.
    assert len(shown) >= math.floor((high - low) / math.log10(16))


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


def test_many_lengths_are_thinned_and_the_longest_stays():
    found = axes.length_axis(range(512, 512 * 21, 512))
    assert len(found["tickvals"]) <= axes.LENGTHS_WITHOUT_THINNING
    assert found["tickvals"][-1] == 512 * 20


def test_a_single_length_has_room_around_it():
    low, high = axes.length_axis([512])["range"]
    assert low < math.log10(512) < high
