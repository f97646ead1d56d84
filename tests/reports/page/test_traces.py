import pytest

SCRIPTS = ("data.js", "format.js", "state.js", "traces.js")
DATA = {
    "hover": ["row 0", "row 1", "row 2"],
    "columns": {
        "latency_ms": [3.0, 2.0, 5.0],
        "latency_low_ms": [2.5, None, 4.0],
        "latency_high_ms": [4.0, None, 7.0],
    },
    "filters": [{"field": "chunk_size", "values": ["32", "64"], "codes": [0, 1, None]}],
}


@pytest.fixture(scope="module")
def filtered(scripts):
    """What is left of a trace when these chunk sizes are chosen: `filtered(trace, "32", …)`."""
    page = scripts(*SCRIPTS)
    page.evaluate("content => { data = content; }", DATA)

    def left(trace, *chosen):
        return page.evaluate(
            """([trace, chosen]) => {
              state.chosen.set("chunk_size", new Set(chosen));
              applyFilters();
              return filtered(trace);
            }""",
            [trace, chosen],
        )

    return left


def test_points_of_rows_that_are_hidden_are_blank(filtered):
    trace = {"meta": {"kind": "each"}, "x": [1, 2, 3], "y": [3, 2, 5], "customdata": [0, 1, 2]}
    assert filtered(trace, "32")["y"] == [3, None, 5]
    assert filtered(trace, "32", "64")["y"] == [3, 2, 5]
    assert filtered(trace, "32")["hovertext"] == ["row 0", "row 1", "row 2"]


def test_a_trace_without_a_point_left_is_hidden(filtered):
    trace = {"meta": {"kind": "each"}, "x": [1], "y": [2], "customdata": [1]}
    assert filtered(trace, "32")["visible"] is False
    assert "visible" not in filtered(trace, "64")


def test_a_curve_goes_through_the_best_row_that_is_left(filtered):
    meta = {
        "kind": "best",
        "value": "latency_ms",
        "low": "latency_low_ms",
        "high": "latency_high_ms",
    }
    trace = {"meta": meta, "x": [1, 2], "customdata": [[1, 0], [2]], "error_y": {"width": 4}}
    both = filtered(trace, "32", "64")
    assert both["y"] == [2, 5]
    assert both["hovertext"] == ["row 1", "row 2"]
    one = filtered(trace, "32")
    assert one["y"] == [3, 5]
    assert one["error_y"] == {"width": 4, "array": [1, 2], "arrayminus": [0.5, 1]}
    assert filtered(trace | {"customdata": [[1], [2]]}, "32")["y"] == [None, 5]


def test_what_was_computed_goes_with_the_first_of_its_rows(filtered):
    fit = {"meta": {"kind": "made", "rows": [0, 1, 2], "alone": False}, "y": [1]}
    assert filtered(fit, "32")["visible"] is False
    assert filtered(fit, "32", "64") == fit
    roof = {"meta": {"kind": "made", "rows": [0, 1], "any": True}, "y": [1]}
    assert filtered(roof, "32") == roof


def test_what_is_about_one_chunk_size_is_shown_with_it_alone(filtered):
    fit = {"meta": {"kind": "made", "rows": [0, 2], "alone": True}, "y": [1], "visible": False}
    assert filtered(fit, "32")["visible"] is True
    assert filtered(fit, "64")["visible"] is False
    assert filtered(fit, "32", "64")["visible"] is False


def test_cells_of_rows_that_are_hidden_are_blank(filtered):
    heat = {
        "meta": {"kind": "cells"},
        "z": [[1, 2], [None, 3]],
        "text": [["a", "b"], ["", "c"]],
        "customdata": [[0, 1], [None, 2]],
    }
    left = filtered(heat, "32")
    assert left["z"] == [[1, None], [None, 3]]
    assert left["text"] == [["a", ""], ["", "c"]]
    assert left["hovertext"] == [["row 0", "row 1"], ["", "row 2"]]
    assert filtered(heat | {"customdata": [[1, 1], [None, 1]]}, "32")["visible"] is False


def test_axes_are_drawn_in_around_the_points_that_are_left(scripts):
    page = scripts(*SCRIPTS)
    trace = {"meta": {"kind": "each"}, "x": [1, 10, 10**4], "y": [1, 2, 3]}
    layout = {
        "xaxis": {"type": "log", "range": [-0.5, 4.5], "title": "T"},
        "yaxis": {"range": [0, 4]},
        "yaxis2": {"range": [0, 1]},
    }
    found = page.evaluate(
        "([layout, all, left]) => ranges(layout, [all], [left])",
        [layout, trace, trace | {"y": [None, 2, 3]}],
    )
    assert found["xaxis"] == {"type": "log", "range": [0.5, 4.5], "title": "T"}
    assert found["yaxis"]["range"] == [1, 4]
    assert "yaxis2" not in found
    # Ticks lie at fixed values: an axis never gets too narrow to hold one.
    near = page.evaluate(
        "([layout, all, left]) => ranges(layout, [all], [left])",
        [layout, trace, trace | {"y": [None, 2, None]}],
    )["xaxis"]["range"]
    assert near[1] - near[0] == pytest.approx(1.25)
