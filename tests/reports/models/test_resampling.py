import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.models.resampling import log_deviations, medians, picks


def rng():
    return np.random.default_rng(1)


def test_one_visit_fewer_is_drawn_than_there_are():
    assert set(picks(5, rng()).sum(axis=1)) == {4}
    assert set(picks(1, rng()).sum(axis=1)) == {1}


@given(st.lists(st.lists(st.floats(0.1, 10), min_size=1, max_size=6), min_size=1, max_size=7))
def test_a_drawn_median_is_that_of_the_samples_of_the_drawn_visits(of_visits):
    drawn = picks(len(of_visits), rng(), draws=20)
    found = medians(np.concatenate(of_visits), [len(visit) for visit in of_visits], drawn)
    for median, counts in zip(found, drawn, strict=True):
        pooled = [
            value for visit, n in zip(of_visits, counts, strict=True) for value in visit * int(n)
        ]
        assert median == pytest.approx(np.median(pooled))


def test_visits_too_many_for_a_code_are_drawn_all_the_same():
    values = rng().normal(size=100)
    drawn = picks(100, rng(), draws=50)
    found = medians(values, [1] * 100, drawn)
    assert list(found) == pytest.approx([np.median(np.repeat(values, counts)) for counts in drawn])


def test_visits_that_do_not_add_up_are_refused():
    with pytest.raises(ValueError, match="do not make 3 samples"):
        medians(np.ones(3), [2, 2], picks(2, rng()))


def test_the_drawn_spread_is_the_true_one_where_visits_differ():
    # Visits that share nothing but their own level: the median of the medians' distribution.
    source = np.random.default_rng(2)
    levels = np.exp(source.normal(0, 0.1, (400, 9)))
    measured = np.log(np.median(levels, axis=1))
    samples = [np.repeat(row, 3) for row in levels]
    drawn = log_deviations(samples, [(3,) * 9] * 400, source)
    assert np.sqrt(np.mean(np.var(drawn, axis=0))) == pytest.approx(np.std(measured), rel=0.15)


def test_a_point_with_one_visit_or_none_has_no_sampling_error_to_draw():
    drawn = log_deviations([np.array([1.0, 2.0]), np.array([])], [(2,), ()], rng(), draws=7)
    assert drawn.shape == (7, 2)
    assert not drawn.any()
