import pytest

from reports.charts.fronts import pareto
from reports.frame import to_frame
from reports.palette import NAMED


@pytest.fixture(scope="module")
def figure(run, record):
    """Full is exact and slow, LSH 32 is fast and far, LSH 64 is slower and farther."""
    made = [
        record("full", median_ms=9.0, distance=0.0),
        record("lsh", chunk_size=32, median_ms=1.0, distance=0.5),
        record("lsh", chunk_size=64, median_ms=2.0, distance=0.6),
        record("full", 512, median_ms=40.0, distance=0.0),
    ]
    return pareto(to_frame([run(made)]))


def of_kind(figure, kind):
    return [trace for trace in figure.data if trace.meta["kind"] == kind]


def test_the_front_of_each_length_is_a_line_with_its_length_at_the_end(figure):
    first, second = of_kind(figure, "made")
    assert (first.x, first.y) == ((1.0, 9.0), (0.5, 0.0))
    assert (first.text, second.text) == (("", "256"), ("512",))
    assert first.line.shape == "hv"


def test_a_front_is_shown_while_all_rows_that_it_was_found_among_are(figure):
    assert [list(line.meta["rows"]) for line in of_kind(figure, "made")] == [[0, 1, 2], [3]]


def test_dominated_points_are_hollow_and_faint_in_the_colour_of_their_variant(figure):
    full, best, dominated = of_kind(figure, "each")
    assert (full.customdata, best.customdata, dominated.customdata) == ((0, 3), (1,), (2,))
    assert dominated.marker.symbol == best.marker.symbol + "-open"
    assert dominated.opacity < 0.5 < best.opacity
    assert best.marker.color == dominated.marker.color == NAMED["lsh"]
    assert [trace.showlegend for trace in (best, dominated)] == [True, False]


def test_settings_have_fronts_of_their_own(run, record):
    made = [record("full", batch=n, median_ms=n, distance=0.5 - n / 10) for n in (1, 2)]
    lines = of_kind(pareto(to_frame([run(made)])), "made")
    assert [list(line.meta["rows"]) for line in lines] == [[0], [1]]
    assert lines[0].line.dash != lines[1].line.dash


def test_a_distance_far_above_one_makes_the_axis_logarithmic_and_clips_small_ones(run, record):
    made = [record("full", distance=1e-7), record("hatrick", distance=9.0)]
    figure = pareto(to_frame([run(made)]))
    assert figure.layout.yaxis.type == "log"
    assert min(y for trace in of_kind(figure, "each") for y in trace.y) == 0.01
