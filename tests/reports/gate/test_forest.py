import math
from itertools import pairwise

import pytest

from reports.gate.forest import MOST_DRAWN, drawn, forest
from reports.gate.result import Noise, Verdict


@pytest.fixture(scope="module")
def figure(everything):
    return forest(everything)


def test_every_timed_point_has_its_ratio_and_interval_under_its_verdict(everything, figure):
    traces = {trace.name: trace for trace in figure.data}
    points = drawn(everything)
    for nth, point in enumerate(points):
        timing = point.timing
        trace = traces[timing.verdict.value]
        at = trace.y.index(-nth)
        ends = (trace.x[at] - trace.error_x.arrayminus[at], trace.x[at] + trace.error_x.array[at])
        assert trace.x[at] == timing.ratio
        assert ends == pytest.approx((timing.low, timing.high))
        assert point.name in trace.hovertext[at]
        assert figure.layout.annotations[nth].text == point.name
    assert sum(len(trace.x) for trace in figure.data) == 2 * len(points)


def test_all_that_is_drawn_is_within_the_axis(everything, figure):
    low, high = (10**end for end in figure.layout.xaxis.range)
    for point in drawn(everything):
        assert low < min(point.timing.low, point.timing.null_ratio)
        assert high > max(point.timing.high, point.timing.null_ratio)
    assert low < 1 / 1.062 < 1.062 < high
    ticks = figure.layout.xaxis.tickvals
    assert 1 in ticks
    assert len(ticks) >= 3
    assert all(low <= tick <= high for tick in ticks)


@pytest.mark.parametrize("ratio", [0.02, 1.0, 1.001, 40.0, 1000.0])
def test_every_range_has_ticks_that_lie_apart(result, judged, timing, ratio):
    one = judged("p", timing=timing(ratio, Verdict.SLOWER, 0.0005))
    axis = forest(result([one], limit=0.001, noise=Noise(floor=0.0005, largest=0.0))).layout.xaxis
    places = [math.log10(tick) for tick in axis.tickvals]
    room = axis.range[1] - axis.range[0]
    assert all(b - a >= 0.0999 * room for a, b in pairwise(places))
    assert len(places) >= 2 or room < math.log10(1.01)


def test_limit_and_noise_floor_are_bands(result, every_kind):
    shapes = forest(result(every_kind)).layout.shapes
    assert [shape.name for shape in shapes if shape.name] == ["limit 5%", "noise floor 3.1%"]
    assert (shapes[0].x0, shapes[0].x1) == (1 / 1.05, 1.05)


def test_of_very_many_points_those_to_act_on_are_drawn(result, every_kind):
    many = result(every_kind * 50)
    shown = drawn(many)
    assert len(shown) == MOST_DRAWN
    assert all(point.outcome == "failed" for point in shown)


def test_names_are_escaped(result, judged, timing):
    found = forest(result([judged("<b>x", timing=timing(1.0, Verdict.SAME))]))
    assert found.layout.annotations[0].text == "&lt;b&gt;x"
    assert "&lt;b&gt;x" in found.data[0].hovertext[0]


def test_a_stored_baseline_has_no_marks_of_no_change(result, judged, timing):
    stored = timing(1.1, Verdict.SLOWER, blocks=[], null_ratio=None)
    figure = forest(result([judged("p", timing=stored)], noise=None))
    assert [trace.name for trace in figure.data] == ["slower"]
    assert "block" not in figure.data[0].hovertext[0]
    assert "+" not in figure.layout.title.subtitle.text


def test_marks_of_no_change_lie_in_the_rows_of_their_points(result, judged, timing):
    of = {"a": 1.01, "b": None, "c": 0.99}
    points = [judged(n, timing=timing(1.0, Verdict.SAME, null_ratio=r)) for n, r in of.items()]
    marks = next(trace for trace in forest(result(points)).data if trace.name == "no change")
    assert list(zip(marks.y, marks.x, strict=True)) == [(0, 1.01), (-2, 0.99)]
