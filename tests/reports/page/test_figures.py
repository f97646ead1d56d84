import json
import math

import numpy as np
import plotly.graph_objects as go
import pytest

from reports.frame import to_frame
from reports.page import figures


@pytest.fixture(scope="module")
def charts(everything):
    return {chart.name: chart for chart in figures.all_charts(to_frame(everything))}


def test_every_figure_is_in_a_part_of_the_page(charts):
    assert {chart.part for chart in charts.values()} == {
        "scaling",
        "memory",
        "roofline",
        "agreement",
        "chunks",
    }


def test_texts_of_rows_are_not_carried_twice(charts):
    kinds = set()
    for chart in charts.values():
        for trace in chart.traces:
            kind = trace.get("meta", {}).get("kind")
            kinds.add(kind)
            assert ("hovertext" in trace) is (
                kind not in figures.FROM_ROWS and "hovertext" in trace
            )
            if kind in figures.FROM_ROWS:
                assert trace["hovertemplate"].startswith("%{hovertext}")
    assert {"each", "best", "made", "cells"} <= kinds


def test_the_title_is_the_pages_and_kept_for_a_saved_file(charts):
    chart = charts["scaling"]
    assert "title" not in chart.layout
    assert "template" not in chart.layout
    assert chart.head["title"]["text"] == chart.title
    assert chart.head["margin"]["t"] > chart.layout["margin"]["t"]
    assert chart.how[0].isupper()
    assert chart.how.endswith(".")
    assert "<br>" not in chart.how


def test_packed_arrays_are_written_out():
    content = json.loads(
        go.Figure(go.Scatter(x=np.array([1, 2]), y=np.array([0.5, math.nan]))).to_json()
    )
    trace = figures._decoded(content)["data"][0]
    assert trace["x"] == [1, 2]
    assert trace["y"] == [0.5, None]
    grid = go.Figure(go.Heatmap(z=np.arange(6, dtype="float32").reshape(2, 3)))
    assert figures._decoded(json.loads(grid.to_json()))["data"][0]["z"] == [[0, 1, 2], [3, 4, 5]]
