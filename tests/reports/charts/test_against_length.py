import pytest

from reports import charts
from reports.frame import to_frame
from reports.schema import Status


def curve(figure, label):
    """The trace of a label that stands in the legend."""
    (trace,) = [t for t in figure.data if t.name == label and t.showlegend is not False]
    return trace


def points(trace):
    return {x: y for x, y in zip(trace.x, trace.y, strict=True) if y is not None}


def test_a_curve_goes_through_the_fastest_chunk_sizes_and_the_others_are_faint(run, record):
    made = [
        record("hatrick", T, chunk_size=n, median_ms=ms)
        for T, n, ms in [(256, 32, 2.0), (256, 64, 1.0), (512, 32, 3.0), (512, 64, 4.0)]
    ]
    figure = charts.scaling(to_frame([run(made)]))
    fast = curve(figure, "hatrick")
    assert points(fast) == {256: 1.0, 512: 3.0}
    assert [list(rows) for rows in fast.customdata] == [[1, 0], [2, 3]]
    assert "chunk 64" in fast.hovertext[0]
    assert "chunk 32" in fast.hovertext[1]
    (faint,) = [trace for trace in figure.data if trace.meta["kind"] == "each"]
    assert points(faint) == {256: 2.0, 512: 4.0}
    assert faint.opacity < 0.5


def test_of_equally_fast_chunk_sizes_the_smallest_is_drawn(run, record):
    made = [record("hatrick", chunk_size=n, median_ms=1.0) for n in (64, 32, 128)]
    fast = curve(charts.scaling(to_frame([run(made)])), "hatrick")
    assert list(fast.customdata[0]) == [1, 0, 2]


def test_error_bars_are_the_interval_and_absent_without_one(run, record):
    made = [
        record("full", 256, median_ms=10.0),
        record("full", 512, median_ms=20.0, interval=False),
    ]
    trace = curve(charts.scaling(to_frame([run(made)])), "full")
    assert trace.error_y.array[0] == pytest.approx(0.2)
    assert trace.error_y.arrayminus[0] == pytest.approx(0.2)
    assert trace.error_y.array[1] is None


def test_a_length_without_a_figure_is_a_gap_and_never_a_number(run, record):
    made = [record("full", T) for T in (256, 1024)]
    made.append(record("full", 512, status=Status.TIMEOUT))
    trace = curve(charts.scaling(to_frame([run(made)])), "full")
    assert trace.x == (256, 512, 1024)
    assert trace.y[1] is None
    assert list(trace.customdata[1]) == []
    assert trace.connectgaps is None


@pytest.mark.parametrize("name", ["scaling", "memory", "distance"])
def test_a_throttled_chunk_size_is_drawn_nowhere(name, run, record):
    made = [
        record("lsh", chunk_size=32),
        record("lsh", chunk_size=64, median_ms=0.1, status=Status.THROTTLED),
    ]
    figure = charts.FIGURES[name](to_frame([run(made)]))
    drawn = [trace for trace in figure.data if trace.yaxis is None and trace.visible is None]
    assert [row for trace in drawn for rows in trace.customdata for row in rows] == [0]


@pytest.mark.parametrize(
    "change",
    [
        {"scope": "core"},
        {"direction": "forward+backward"},
        {"dtype": "bfloat16"},
        {"causal": True},
        {"batch": 8},
    ],
)
def test_settings_have_a_curve_each_named_by_what_sets_them_apart(change, run, record):
    figure = charts.distance(to_frame([run([record(), record(**change)])]))
    names = [trace.name for trace in figure.data]
    assert len(set(names)) == 2
    (value,) = change.values()
    assert ("causal" if value is True else str(value)) in names[1]


def test_axes_are_logarithmic_with_units_and_hold_all_points(run, sweep):
    frame = to_frame([run(sweep())])
    layout = charts.scaling(frame).layout
    assert (layout.xaxis.type, layout.yaxis.type) == ("log", "log")
    assert list(layout.xaxis.ticktext) == ["256", "512", "1k", "2k", "4k", "8k"]
    assert "10 ms" in layout.yaxis.ticktext
    assert 10 ** layout.yaxis.range[0] < frame["latency_low_ms"].min()
    assert 10 ** layout.yaxis.range[1] > frame["latency_high_ms"].max()
