"""What holds of every figure: the page relies on it for its filters."""

import json
import math
import re
import time

import numpy as np
import pandas as pd
import pytest

from reports import charts
from reports.charts.hover import hovers
from reports.frame import to_frame
from reports.palette import NAMED
from reports.schema import Status

NASTY = "<script>alert('1', \"2\")</script>"


@pytest.fixture(scope="module")
def frame(run, sweep, ceiling):
    """Two runs of two directions each, with failures: four settings."""
    return to_frame(
        [
            run(
                [*sweep(), *sweep(direction="forward+backward")],
                name=name,
                ceilings=[ceiling()],
            )
            for name in ("run-a", "run-b")
        ]
    )


@pytest.fixture(scope="module")
def figures(frame):
    whole = {name: draw(frame) for name, draw in charts.FIGURES.items()}
    return whole | charts.chunk_figures(frame)


def every_trace(figures):
    return [(name, trace) for name, figure in figures.items() for trace in figure.data]


def rows_of(trace):
    """All row numbers that a trace speaks of."""
    if trace.meta["kind"] == "made":
        return list(trace.meta["rows"])
    flat = []
    for at in trace.customdata:
        flat += at if isinstance(at, list | tuple | np.ndarray) else [at]
    return [row for row in flat if row is not None]


def test_there_is_one_of_each_kind_for_a_page(figures, frame):
    assert list(charts.FIGURES) == ["scaling", "memory", "roofline", "oracle", "distance", "pareto"]
    # Three labels with chunk sizes in four settings, three figures each.
    assert len(figures) == 6 + 3 * 4 * 3
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in figures)


def test_every_trace_says_which_rows_are_behind_it(figures, frame):
    for name, trace in every_trace(figures):
        rows = rows_of(trace)
        assert set(rows) <= set(range(len(frame))), (name, trace.name)
        assert all(isinstance(row, int) for row in rows), (name, trace.name)
        assert rows, (name, trace.name)
        if trace.meta["kind"] in ("each", "best"):
            assert len(trace.customdata) == len(trace.x) == len(trace.y) == len(trace.hovertext)
        if trace.meta["kind"] == "cells":
            assert np.shape(trace.customdata) == np.shape(trace.z)


def test_a_curve_through_the_best_is_what_the_page_would_draw_from_the_frame(figures, frame):
    seen = 0
    for _, trace in every_trace(figures):
        if trace.meta["kind"] != "best":
            continue
        for candidates, y in zip(trace.customdata, trace.y, strict=True):
            if not candidates:
                assert y is None
                continue
            assert y == frame.loc[candidates[0], trace.meta["value"]]
            times = frame.loc[candidates, "latency_ms"]
            assert times.is_monotonic_increasing
            seen += 1
    assert seen > 100


def test_points_speak_with_the_hover_of_their_row(figures, frame):
    texts = hovers(frame)
    for _, trace in every_trace(figures):
        if trace.meta["kind"] == "each":
            for row, text in zip(trace.customdata, trace.hovertext, strict=True):
                assert text == ("" if row is None else texts[row])


def test_every_point_has_a_text_of_its_own_where_the_template_asks_for_one(figures):
    """Plotly's script resolves `%{hovertext}` of a point, not of a whole trace."""
    kinds = set()
    for name, trace in every_trace(figures):
        if "%{hovertext}" not in (trace.hovertemplate or ""):
            continue
        kinds.add(trace.meta["kind"])
        assert isinstance(trace.hovertext, list | tuple | np.ndarray), (name, trace.name)
        shape = np.shape(trace.z) if trace.type == "heatmap" else np.shape(trace.x)
        assert np.shape(trace.hovertext) == shape, (name, trace.name)
    assert kinds == {"each", "best", "made", "cells"}


def test_no_curve_joins_two_settings(figures, frame):
    setting = frame["file"] + frame["direction"]
    for name, trace in every_trace(figures):
        if not trace.meta.get("any"):
            assert setting[rows_of(trace)].nunique() == 1, name


def test_only_what_is_about_one_chunk_size_is_hidden(figures):
    for name, trace in every_trace(figures):
        assert (trace.visible is False) == bool(trace.meta.get("alone")), name


@pytest.mark.parametrize("name", ["scaling", "memory", "oracle", "distance", "pareto"])
def test_a_variant_has_one_colour_and_a_curve_one_entry_in_the_legend(figures, frame, name):
    figure = figures[name]
    entries = [trace for trace in figure.data if trace.showlegend is not False]
    assert len(entries) == len({trace.name for trace in entries}) == 4 * 4
    for trace in entries:
        variant = trace.name.split(",")[0]
        assert trace.marker.color == NAMED[variant]


def test_settings_of_a_chart_differ_in_name_and_dash(figures):
    found = [
        trace
        for trace in figures["scaling"].data
        if trace.showlegend is not False and trace.name.startswith("hatrick")
    ]
    assert len({trace.line.dash for trace in found}) == 4
    assert found[0].name == "hatrick, run run-a, forward"


def test_a_figure_of_one_label_says_which_rows_it_is_about(figures, frame):
    for name, figure in figures.items():
        if name in charts.FIGURES:
            assert figure.layout.meta is None
        else:
            of = frame.loc[list(figure.layout.meta["rows"])]
            assert of["label"].nunique() == of["direction"].nunique() == of["file"].nunique() == 1


@pytest.mark.parametrize("name", charts.FIGURES)
def test_a_part_of_a_frame_keeps_its_row_numbers(frame, name):
    part = frame[frame["file"] == "run-b.jsonl"]
    for trace in charts.FIGURES[name](part).data:
        assert set(rows_of(trace)) <= set(part.index)


def test_rows_of_frames_laid_end_to_end_are_told_by_position(frame):
    twice = pd.concat([frame[frame["file"] == name] for name in ("run-b.jsonl", "run-b.jsonl")])
    figure = charts.distance(twice)
    rows = [row for trace in figure.data for row in rows_of(trace)]
    assert max(rows) == len(twice) - 1 or max(rows) > len(twice) / 2


def test_json_of_a_figure_has_no_packed_arrays_in_what_filters_change(figures):
    for _, figure in figures.items():
        for trace in json.loads(figure.to_json())["data"]:
            assert isinstance(trace["y"], list)
            assert isinstance(trace.get("customdata", []), list)


def awkward(run, record):
    missing = pd.array([pd.NA] * 2, dtype="Int64")
    return {
        "empty": to_frame([run([])]),
        "one point a curve": to_frame([run([record(), record("full")])]),
        "all failed": to_frame(
            [run([record(v, T, status=Status.CRASHED) for v in ("lsh", "full") for T in (64, 128)])]
        ),
        "all left out": to_frame(
            [run([record("lsh", chunk_size=n, status=Status.LEFT_OUT) for n in (32, 64)])]
        ),
        "no time": to_frame([run([record(median_ms=0.0), record("full", median_ms=0.0)])]),
        "no distance": to_frame([run([record(distance=None)])]),
        "missing figures": to_frame([run([record(T, seq_len=64) for T in ("a", "b")])]).assign(
            latency_ms=math.nan,
            latency_low_ms=math.nan,
            latency_high_ms=math.nan,
            workspace_bytes=missing,
            distance_to_full=math.nan,
            oracle_error=math.nan,
            oracle_max_error=math.nan,
            flops=missing,
        ),
    }


@pytest.mark.parametrize("name", charts.FIGURES)
@pytest.mark.parametrize(
    "kind",
    [
        "empty",
        "one point a curve",
        "all failed",
        "all left out",
        "no time",
        "no distance",
        "missing figures",
    ],
)
def test_awkward_frames_give_a_figure_with_points_or_a_sentence(run, record, ceiling, name, kind):
    frame = awkward(run, record)[kind]
    figure = charts.FIGURES[name](frame)
    drawn = [
        y
        for trace in figure.data
        if trace.visible is not False and trace.yaxis is None
        for y in trace.y
        if y is not None and not math.isnan(y)
    ]
    said = [note.text for note in figure.layout.annotations]
    assert bool(drawn) != bool(said)
    assert json.loads(figure.to_json())
    charts.chunk_figures(frame)


def test_names_from_plug_ins_and_files_are_escaped(run, record, ceiling):
    made = [
        record(name, T, chunk_size=n, distance=0.1 * n)
        for name in (NASTY, "full")
        for T in (256, 512, 1024, 2048, 4096)
        for n in (32, 64)
    ]
    made.append(record(NASTY, 8192, status=Status.CRASHED, reason=NASTY))
    frame = to_frame([run(made, name=name, ceilings=[ceiling()]) for name in ("a", NASTY)])
    figures = {name: draw(frame) for name, draw in charts.FIGURES.items()}
    for name, figure in (figures | charts.chunk_figures(frame)).items():
        # Plotly writes "<" as an escape into JSON; a reader of it sees the text.
        text = json.dumps(json.loads(figure.to_json()))
        assert "<script" not in text, (name, text[text.find("<script") - 80 :][:160])
        assert not re.search(r"&quot;|&#x27;", text), name
        if "full" not in name:
            assert "&lt;script&gt;" in text, name


def test_hundreds_of_rows_are_drawn_in_seconds(run, sweep, ceiling):
    made = [r for batch in range(1, 6) for r in sweep(batch=batch)]
    frame = to_frame([run(made, ceilings=[ceiling()])])
    assert len(frame) > 300
    for name, draw in charts.FIGURES.items():
        start = time.process_time()
        draw(frame)
        # Of the processor: a multiple of what it takes, so that a slow machine is no failure.
        assert time.process_time() - start < 10, name
