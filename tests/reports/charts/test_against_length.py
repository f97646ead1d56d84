import math

import pytest

from reports import charts
from reports.frame import to_frame
from reports.palette import NAMED
from reports.schema import Status
from reports.statuses import STATUS_WORDS

ALL = [charts.latency, charts.workspace, charts.distance, charts.oracle]


@pytest.fixture(scope="module")
def frame(run, sweep):
    return to_frame([run(sweep())])


def curve(figure, label):
    """The trace of a label that stands in the legend."""
    (trace,) = [t for t in figure.data if t.name == label and t.showlegend is not False]
    return trace


def points(trace):
    return {x: y for x, y in zip(trace.x, trace.y, strict=True) if not math.isnan(y)}


@pytest.mark.parametrize("chart", ALL)
def test_one_curve_a_label_in_the_colour_of_its_variant(chart, frame):
    figure = chart(frame)
    shown = [trace for trace in figure.data if trace.showlegend is not False]
    assert [trace.name for trace in shown] == ["hatrick", "full", "sliding_window", "lsh"]
    assert {trace.name: trace.line.color for trace in shown} == NAMED


@pytest.mark.parametrize("chart", ALL)
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
def test_different_settings_are_refused(chart, run, record, change):
    mixed = to_frame([run([record(), record(**change)])])
    with pytest.raises(ValueError, match="do not belong in one chart"):
        chart(mixed)


def test_latency_goes_through_the_fastest_chunk_sizes(run, record):
    made = [
        record("hatrick", T, chunk_size=n, median_ms=ms)
        for T, n, ms in [(256, 32, 2.0), (256, 64, 1.0), (512, 32, 3.0), (512, 64, 4.0)]
    ]
    figure = charts.latency(to_frame([run(made)]))
    assert points(curve(figure, "hatrick")) == {256: 1.0, 512: 3.0}
    (faint,) = [trace for trace in figure.data if trace.showlegend is False]
    assert points(faint) == {256: 2.0, 512: 4.0}
    assert faint.opacity < 0.5
    assert "chunk 64" in curve(figure, "hatrick").hovertext[0]
    assert "chunk 32" in curve(figure, "hatrick").hovertext[1]


def test_workspace_and_distance_follow_the_same_chunk_sizes(run, record):
    made = [
        record("hatrick", chunk_size=32, median_ms=2.0, workspace=100, distance=0.1),
        record("hatrick", chunk_size=64, median_ms=1.0, workspace=900, distance=0.7),
    ]
    frame = to_frame([run(made)])
    assert points(curve(charts.workspace(frame), "hatrick")) == {256: 900}
    assert points(curve(charts.distance(frame), "hatrick")) == {256: 0.7}


def test_error_bars_are_the_interval_and_absent_without_one(run, record):
    made = [
        record("full", 256, median_ms=10.0),
        record("full", 512, median_ms=20.0, interval=False),
    ]
    trace = curve(charts.latency(to_frame([run(made)])), "full")
    assert trace.error_y.array[0] == pytest.approx(0.2)
    assert trace.error_y.arrayminus[0] == pytest.approx(0.2)
    assert math.isnan(trace.error_y.array[1])


@pytest.mark.parametrize("chart", [charts.latency, charts.workspace, charts.distance])
@pytest.mark.parametrize("status", [s for s in Status if s is not Status.OK])
def test_what_is_not_ok_is_a_gap_with_a_cross_and_never_a_number(chart, run, record, status):
    made = [
        record("full", 256),
        record("full", 512, status=status),
        record("full", 1024),
    ]
    figure = chart(to_frame([run(made)]))
    trace = curve(figure, "full")
    assert trace.x == (256, 512, 1024)
    assert math.isnan(trace.y[1])
    assert trace.connectgaps is None
    (mark,) = figure.layout.annotations
    assert mark.text == ("○" if status is Status.LEFT_OUT else "✕")
    assert mark.x == pytest.approx(math.log10(512))
    assert f"T = 512: {STATUS_WORDS[status]}" in mark.hovertext


def test_one_working_chunk_size_is_enough_for_no_cross(run, record):
    made = [record("lsh", chunk_size=32), record("lsh", chunk_size=64, status=Status.TIMEOUT)]
    assert not charts.latency(to_frame([run(made)])).layout.annotations


def test_what_was_foreseen_says_so_and_a_failure_outweighs_what_was_left_out(run, record):
    made = [
        record("lsh", chunk_size=32, status=Status.OUT_OF_MEMORY, predicted=True),
        record("lsh", chunk_size=64, status=Status.LEFT_OUT, predicted=True),
    ]
    (mark,) = charts.latency(to_frame([run(made)])).layout.annotations
    assert mark.text == "✕"
    assert mark.hovertext.endswith("left out, out of memory (predicted)")


@pytest.mark.parametrize("chart", [charts.latency, charts.workspace, charts.distance])
def test_a_throttled_chunk_size_is_drawn_nowhere(chart, run, record):
    made = [
        record("lsh", chunk_size=32),
        record("lsh", chunk_size=64, median_ms=0.1, status=Status.THROTTLED),
    ]
    (trace,) = chart(to_frame([run(made)])).data
    assert "chunk 32" in trace.hovertext[0]


def test_crosses_at_one_length_stand_above_each_other(run, record):
    made = [record(name, status=Status.TIMEOUT) for name in ("full", "lsh")]
    figure = charts.latency(to_frame([run(made)]))
    assert [note.yshift for note in figure.layout.annotations] == [0, charts.MARK_HEIGHT_PX]
    assert len(figure.data) == 0


def test_axes_are_logarithmic_with_units(frame):
    figure = charts.latency(frame)
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "log")
    assert list(figure.layout.xaxis.ticktext) == ["256", "512", "1k", "2k", "4k", "8k"]
    assert "10 ms" in figure.layout.yaxis.ticktext
    assert "1 MiB" in charts.workspace(frame).layout.yaxis.ticktext
    low, high = figure.layout.xaxis.range
    assert low < math.log10(256)
    assert math.log10(8192) < high


def test_the_oracle_chart_shows_the_worst_chunk_and_wrong_answers(run, record):
    made = [
        record("lsh", chunk_size=32, oracle_error=2e-7),
        record("lsh", chunk_size=64, oracle_error=8e-7),
        record("full", oracle_error=5e-6, status=Status.DISAGREES),
    ]
    figure = charts.oracle(to_frame([run(made)]))
    assert points(curve(figure, "lsh")) == {256: pytest.approx(0.8)}
    assert points(curve(figure, "full")) == {256: pytest.approx(5.0)}
    assert figure.layout.shapes[0].y0 == 1
    assert "✕" not in [note.text for note in figure.layout.annotations]


def test_one_element_beyond_its_bound_is_above_one_too(run, record):
    made = [record("full", oracle_max_error=3e-4, status=Status.DISAGREES)]
    figure = charts.oracle(to_frame([run(made)]))
    assert points(curve(figure, "full")) == {256: pytest.approx(3.0)}


def test_exact_and_infinite_errors_stand_at_the_edges(run, record):
    made = [
        record("full", oracle_error=0.0, oracle_bound=0.0, oracle_max_error=0.0),
        record("lsh", oracle_error=math.inf, status=Status.DISAGREES),
        record("hatrick", oracle_error=5e-7),
    ]
    figure = charts.oracle(to_frame([run(made)]))
    low, high = (10**end for end in figure.layout.yaxis.range)
    exact, infinite = (points(curve(figure, name))[256] for name in ("full", "lsh"))
    assert low < exact < 0.5 < infinite < high
    assert "oracle error 0," in curve(figure, "full").hovertext[0]
    assert "oracle error inf," in curve(figure, "lsh").hovertext[0]


def test_distance_shows_what_zero_and_one_mean(frame):
    figure = charts.distance(frame)
    assert [shape.y0 for shape in figure.layout.shapes] == [1]
    assert "0 equals it, 1 (dotted) is as far off as no attention" in figure.layout.title.text
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
    figure = charts.distance(to_frame([run(made)]))
    drawn = {trace.name: trace.y[0] for trace in figure.data}
    assert drawn == {"hatrick": 10.0, "lsh": 0.4, "full": 0.01, "mine": 0.01}
    assert "distance to full 1.0e-06" in curve(figure, "full").hovertext[0]
    assert figure.layout.yaxis.type == "log"


def test_up_to_a_few_distances_are_drawn_as_they_are(run, record):
    made = [record("hatrick", distance=3.0), record("full", distance=1e-6)]
    figure = charts.distance(to_frame([run(made)]))
    assert [trace.y[0] for trace in figure.data] == [3.0, 1e-6]
    assert figure.layout.yaxis.type != "log"


@pytest.mark.parametrize("chart", [charts.distance, charts.oracle])
def test_no_words_lie_over_the_curves(chart, frame):
    assert {note.text for note in chart(frame).layout.annotations} <= {"✕"}


def test_without_any_distance_there_is_an_empty_chart(run, record):
    figure = charts.distance(to_frame([run([record("mine", distance=None)])]))
    assert [points(trace) for trace in figure.data] == [{}]
    assert figure.layout.yaxis.range[1] > 1


def test_names_are_escaped(run, record):
    figure = charts.latency(to_frame([run([record("<b>x</b>")])]))
    assert figure.data[0].name == "&lt;b&gt;x&lt;/b&gt;"
