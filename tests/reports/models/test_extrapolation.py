import numpy as np
import pytest
from noisy_curves import first, make_curve, measure
from scipy import stats

from reports.frame import to_frame
from reports.models.extrapolation import (
    FARTHEST,
    Longest,
    Prediction,
    longest_that_fits,
    predict,
    resident_bytes,
)
from reports.models.growth import Unfit

LENGTHS = [256 * 2**i for i in range(8)]
T = np.array(LENGTHS, dtype=float)


def test_an_exact_power_is_continued():
    found = predict(make_curve(LENGTHS, 300 * T**2), 2**17)
    assert found == Prediction(2**17, *(pytest.approx(300 * 2.0**34, rel=1e-3),) * 3)


@pytest.mark.parametrize("drift", [0.0, 0.1])
def test_new_measurements_lie_in_the_interval_as_often_as_it_says(drift):
    runs, further = 40, np.array([*LENGTHS, 2 * LENGTHS[-1]])
    true = 3 + 2e-3 * further + 1e-6 * further**2.0
    rng = np.random.default_rng(3)
    measured = [measure(rng, further, true, drift=drift) for _ in range(runs)]
    found = [predict(first(curve, len(LENGTHS)), further[-1]) for curve in measured]
    held = [
        one.low <= curve.value[-1] <= one.high
        for one, curve in zip(found, measured, strict=True)
        if isinstance(one, Prediction)
    ]
    assert len(held) > 0.9 * runs
    assert sum(held) >= stats.binom.ppf(0.001, len(held), 0.92)


def test_the_interval_widens_with_the_distance():
    curve = measure(np.random.default_rng(4), LENGTHS, 2 + T + T**2 / 5000, drift=0.05)
    found = [predict(curve, length) for length in (2**14, 2**16, 2**17)]
    widths = [np.log(one.high / one.low) for one in found]
    assert widths[0] < widths[1] < widths[2]


def test_a_curve_that_does_not_fit_is_not_continued():
    assert isinstance(predict(make_curve(LENGTHS[:3], T[:3]), 2**17), Unfit)


def nothing(seq_len):
    return np.zeros_like(seq_len)


def test_the_longest_that_fits_leaves_room_for_what_is_resident():
    curve = make_curve(LENGTHS, 1e6 + 1000 * T)
    assert longest_that_fits(curve, nothing, 1e6 + 4e8) == Longest(
        *(pytest.approx(4 * 10**5, rel=1e-3),) * 3
    )
    assert longest_that_fits(curve, lambda seq_len: 1e8 + 1000 * seq_len, 1e9) == Longest(
        *(pytest.approx((1e9 - 1e8 - 1e6) / 2000, rel=1e-3),) * 3
    )


def test_what_ran_fits_even_where_the_capacity_says_it_does_not():
    found = longest_that_fits(make_curve(LENGTHS, 1000 * T), nothing, 1e6)
    assert found == Longest(2**15, 2**15, 2**15)


def rough(censored=()):
    """A workspace that grows in steps, as allocators round."""
    steps = 1 + 0.1 * np.array([0.3, -0.5, 0.8, -0.2, -0.9, 0.6, 0.4, -0.6])
    return make_curve(LENGTHS, 1000 * T * steps, censored=censored)


def test_a_length_that_ran_out_of_memory_bounds_the_longest_that_fits():
    capacity = 1000.0 * 2**17
    free = longest_that_fits(rough(), nothing, capacity)
    assert free.high > 2**17
    bound = longest_that_fits(rough(censored=(2**17,)), nothing, capacity)
    assert bound.low < bound.seq_len < bound.high < 2**17
    assert bound.seq_len < free.seq_len


def test_where_no_draw_agrees_with_what_ran_out_only_the_observations_are_known():
    curve = make_curve(LENGTHS, 1000 * T, censored=(2**16,))
    assert longest_that_fits(curve, nothing, 1e12) == Longest(2**15, 2**15, 2**16 - 1)


def test_the_shortest_that_ran_out_counts_and_none_that_is_shorter_than_one_that_ran():
    curve = make_curve(LENGTHS, 1000 * T, censored=(512, 2**17, 2**20))
    assert longest_that_fits(curve, nothing, 1e12) == Longest(2**15, 2**15, 2**17 - 1)


def test_a_workspace_that_never_reaches_the_capacity_has_no_upper_end():
    steps = 1 + 0.01 * np.array([0.3, -0.5, 0.8, -0.2, -0.9, 0.6, 0.4, -0.6])
    found = longest_that_fits(make_curve(LENGTHS, steps * T**0.3), nothing, 1e9)
    assert isinstance(found, Longest)
    assert found.high is None
    assert found.low > LENGTHS[-1]


def test_no_fit_is_carried_further_than_it_can_be_trusted():
    far = FARTHEST * LENGTHS[-1]
    found = longest_that_fits(make_curve(LENGTHS, 1000 * T), nothing, 1000.0 * 100 * LENGTHS[-1])
    assert found == Longest(far, far, None)
    near = longest_that_fits(make_curve(LENGTHS, 1000 * T), nothing, 1000.0 * 15 * LENGTHS[-1])
    assert near.high == pytest.approx(15 * LENGTHS[-1], rel=1e-3)


def test_without_a_growth_no_length_is_known_to_fit():
    assert isinstance(longest_that_fits(make_curve(LENGTHS[:3], T[:3]), nothing, 1e9), Unfit)


def test_a_latency_has_no_capacity():
    curve = measure(np.random.default_rng(0), LENGTHS, T)
    with pytest.raises(ValueError, match=r"curve of the latency.*workspace"):
        longest_that_fits(curve, nothing, 1e9)


def test_resident_are_inputs_that_grow_with_the_length_and_parameters_that_do_not(run, record):
    records = [
        record("full", T, memory={"input_bytes": 8 * T, "parameter_bytes": 5000})
        for T in (256, 512)
    ]
    resident = resident_bytes(to_frame([run(records)]))
    assert list(resident(np.array([1024.0, 4096.0]))) == [8 * 1024 + 5000, 8 * 4096 + 5000]


def test_no_measurement_is_predicted_where_one_ran_out_of_memory_or_far_beyond():
    curve = make_curve(LENGTHS, 1000 * T, censored=(2**16,))
    assert predict(curve, 2**16) == Unfit("T = 64k ran out of memory")
    assert isinstance(predict(curve, 1.5 * 2**15), Prediction)
    far = predict(make_curve(LENGTHS, 1000 * T), 5 * 2**15)
    assert far == Unfit("T = 163,840 is more than 4 times the longest measured, 32,768")
