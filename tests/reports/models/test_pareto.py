import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.frame import to_frame
from reports.models.pareto import front
from reports.schema import Status


def points(run, record, figures):
    made = [
        record("hatrick", 256, seed=0, chunk_size=16 + i, median_ms=ms, distance=distance)
        for i, (ms, distance) in enumerate(figures)
    ]
    return to_frame([run(made)])


def test_the_front_is_what_nothing_beats_the_fastest_first(run, record):
    frame = points(run, record, [(4.0, 0.0), (1.0, 0.9), (2.0, 0.5), (3.0, 0.6), (2.5, 0.4)])
    assert front(frame) == [1, 2, 4, 0]


def test_of_equal_rows_all_stay_and_of_half_equal_ones_the_better(run, record):
    figures = [(1.0, 0.5), (1.0, 0.5), (1.0, 0.6), (2.0, 0.5), (2.0, 0.4)]
    assert front(points(run, record, figures)) == [0, 1, 4]


def test_rows_without_a_distance_or_not_ok_take_no_part(run, record):
    made = [
        record("hatrick", chunk_size=16, median_ms=2.0, distance=0.5),
        record("hatrick", chunk_size=32, median_ms=1.0, distance=None),
        record("hatrick", chunk_size=64, median_ms=1.0, distance=0.1, status=Status.THROTTLED),
    ]
    assert front(to_frame([run(made)])) == [0]


def test_nothing_measured_has_no_front(run, record):
    assert front(to_frame([run([record(status=Status.TIMEOUT)])])) == []


def test_two_lengths_are_refused(run, record):
    frame = to_frame([run([record(seq_len=256), record(seq_len=512)])])
    with pytest.raises(ValueError, match="lengths 256, 512"):
        front(frame)


def test_two_settings_are_refused(run, record):
    with pytest.raises(ValueError, match="differ in causal"):
        front(to_frame([run([record(), record(causal=True)])]))


@pytest.fixture(scope="module")
def twenty(run, record):
    return points(run, record, [(1.0, 0.0)] * 20)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 5)), min_size=1, max_size=20))
def test_it_is_what_comparing_every_pair_gives(twenty, figures):
    rows = twenty.iloc[: len(figures)].copy()
    rows["latency_ms"] = [float(ms) for ms, _ in figures]
    rows["distance_to_full"] = [float(distance) for _, distance in figures]

    def dominated(i):
        return any(
            other[0] <= figures[i][0] and other[1] <= figures[i][1] and other != figures[i]
            for other in figures
        )

    assert set(front(rows)) == {i for i in range(len(figures)) if not dominated(i)}
