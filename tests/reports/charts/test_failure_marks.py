import pytest

from reports import charts
from reports.frame import to_frame
from reports.schema import Status
from reports.statuses import STATUS_WORDS


def marks(figure):
    return [trace for trace in figure.data if trace.yaxis == "y2"]


@pytest.mark.parametrize("name", ["scaling", "memory", "distance"])
@pytest.mark.parametrize("status", [s for s in Status if s is not Status.OK])
def test_a_length_without_a_figure_has_a_mark_that_says_why(name, status, run, record):
    made = [record("full", 256), record("full", 512, status=status), record("full", 1024)]
    figure = charts.FIGURES[name](to_frame([run(made)]))
    (mark,) = marks(figure)
    assert (mark.x, mark.customdata) == ((512,), (1,))
    assert list(mark.marker.symbol) == ["circle-open" if status is Status.LEFT_OUT else "x"]
    assert f"<b>{STATUS_WORDS[status]}</b>" in mark.hovertext[0]
    assert figure.layout.yaxis2.ticktext == ("no figure",)


def test_every_row_of_it_has_a_mark_so_that_any_filter_leaves_one(run, record):
    made = [
        record("lsh", chunk_size=32, status=Status.OUT_OF_MEMORY, predicted=True),
        record("lsh", chunk_size=64, status=Status.LEFT_OUT, predicted=True),
    ]
    (mark,) = marks(charts.scaling(to_frame([run(made)])))
    assert mark.customdata == (0, 1)
    assert list(mark.marker.symbol) == ["x", "circle-open"]


def test_a_chunk_size_that_failed_beside_others_is_marked_only_where_it_is_alone(run, record):
    made = [record("lsh", chunk_size=32), record("lsh", chunk_size=64, status=Status.TIMEOUT)]
    figure = charts.scaling(to_frame([run(made)]))
    (mark,) = marks(figure)
    assert mark.visible is False
    assert mark.meta == {"kind": "made", "rows": [1], "alone": True, "any": False}
    assert figure.layout.yaxis2.ticktext == ("",)


def test_marks_at_one_length_have_lanes_of_their_own_above_the_curves(run, record):
    made = [record(name, status=Status.TIMEOUT) for name in ("full", "lsh")]
    figure = charts.scaling(to_frame([run([*made, record("hatrick")])]))
    places = [mark.y[0] for mark in marks(figure)]
    assert places == [0.75, 0.25]
    assert figure.layout.yaxis.domain[1] == figure.layout.yaxis2.domain[0] < 1


def test_without_a_failure_there_is_no_strip(run, record):
    layout = charts.scaling(to_frame([run([record()])])).layout
    assert layout.yaxis.domain == (0, 1)
    assert "yaxis2" not in layout


def test_many_failing_curves_leave_most_of_the_figure_to_the_others(run, record):
    made = [record("full", batch=n, status=Status.TIMEOUT) for n in range(1, 30)]
    layout = charts.scaling(to_frame([run([*made, record("lsh")])])).layout
    assert layout.yaxis.domain[1] == pytest.approx(0.7)
