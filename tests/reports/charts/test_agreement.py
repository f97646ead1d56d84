import math

import pytest

from reports.charts.agreement import distance, oracle
from reports.frame import to_frame
from reports.schema import Status


def drawn(figure):
    """The last point of every curve in the legend."""
    return {trace.name: trace.y[-1] for trace in figure.data if trace.showlegend is not False}


def test_the_oracle_chart_shows_the_worst_chunk_and_wrong_answers(run, record):
    made = [
        record("lsh", chunk_size=32, oracle_error=2e-7),
        record("lsh", chunk_size=64, oracle_error=8e-7),
        record("full", oracle_error=5e-6, status=Status.DISAGREES),
    ]
    figure = oracle(to_frame([run(made)]))
    assert drawn(figure) == {"lsh": pytest.approx(0.8), "full": pytest.approx(5.0)}
    assert figure.layout.shapes[0].y0 == 1
    assert {trace.meta["kind"] for trace in figure.data} == {"each"}
    assert all(trace.yaxis is None for trace in figure.data)


def test_one_element_beyond_its_bound_is_above_one_too(run, record):
    made = [record("full", oracle_max_error=3e-4, status=Status.DISAGREES)]
    assert drawn(oracle(to_frame([run(made)]))) == {"full": pytest.approx(3.0)}


def test_exact_and_infinite_errors_stand_at_the_edges(run, record):
    made = [
        record("full", oracle_error=0.0, oracle_bound=0.0, oracle_max_error=0.0),
        record("lsh", oracle_error=math.inf, status=Status.DISAGREES),
        record("hatrick", oracle_error=5e-7),
    ]
    figure = oracle(to_frame([run(made)]))
    low, high = (10**end for end in figure.layout.yaxis.range)
    assert low < drawn(figure)["full"] < 0.5 < drawn(figure)["lsh"] < high
    texts = {trace.name: trace.hovertext[0] for trace in figure.data}
    assert "oracle error 0," in texts["full"]
    assert "oracle error inf," in texts["lsh"]


def test_distance_follows_the_fastest_chunk_sizes_and_says_what_zero_and_one_mean(run, record):
    made = [
        record("hatrick", chunk_size=32, median_ms=2.0, distance=0.1),
        record("hatrick", chunk_size=64, median_ms=1.0, distance=0.7),
    ]
    figure = distance(to_frame([run(made)]))
    assert drawn(figure) == {"hatrick": 0.7}
    assert [shape.y0 for shape in figure.layout.shapes] == [1]
    assert "0 equals full attention" in figure.layout.title.subtitle.text
    low, high = figure.layout.yaxis.range
    assert low < 0
    assert high > 1


def test_one_distance_far_above_one_leaves_room_for_the_small_ones(run, record):
    made = [
        record("hatrick", distance=10.0),
        record("lsh", distance=0.4),
        record("full", distance=1e-6),
        record("mine", distance=0.0),
    ]
    figure = distance(to_frame([run(made)]))
    assert drawn(figure) == {"hatrick": 10.0, "lsh": 0.4, "full": 0.01, "mine": 0.01}
    assert figure.layout.yaxis.type == "log"
    # What is not drawn as the frame has it is not left to the page to draw from there.
    kinds = {trace.name: trace.meta["kind"] for trace in figure.data}
    assert kinds == {"hatrick": "best", "lsh": "best", "full": "each", "mine": "each"}


def test_a_chunk_size_drawn_elsewhere_than_its_column_says_is_none_to_change_to(run, record):
    made = [
        record("hatrick", distance=10.0),
        record("lsh", chunk_size=32, median_ms=1.0, distance=0.4),
        record("lsh", chunk_size=64, median_ms=2.0, distance=1e-7),
        record("lsh", chunk_size=128, median_ms=3.0, distance=0.2),
    ]
    (curve,) = [
        trace
        for trace in distance(to_frame([run(made)])).data
        if trace.name == "lsh" and trace.meta["kind"] == "best"
    ]
    assert [list(rows) for rows in curve.customdata] == [[1, 3]]


def test_up_to_a_few_distances_are_drawn_as_they_are(run, record):
    made = [record("hatrick", distance=3.0), record("full", distance=1e-6)]
    figure = distance(to_frame([run(made)]))
    assert drawn(figure) == {"hatrick": 3.0, "full": 1e-6}
    assert figure.layout.yaxis.type != "log"
