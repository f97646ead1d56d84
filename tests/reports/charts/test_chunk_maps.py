import math
import re

import numpy as np
import pytest
from plotly.colors import convert_colors_to_same_type, sample_colorscale, unlabel_rgb

from reports.charts import chunk_maps
from reports.frame import to_frame
from reports.schema import Status


@pytest.fixture(scope="module")
def figure(run, record):
    made = [
        record("hatrick", T, chunk_size=n, median_ms=ms, workspace=int(ms * 1024))
        for T, n, ms in [(256, 32, 1.0), (256, 64, 4.0), (512, 32, 6.0), (512, 64, 3.0)]
    ]
    made += [
        record("hatrick", 256, chunk_size=128, status=Status.OUT_OF_MEMORY),
        record("hatrick", 512, chunk_size=128, median_ms=0.1, status=Status.DISAGREES),
        record("hatrick", 1024, chunk_size=32, median_ms=9.0),
    ]
    return chunk_maps.chunk_latency(to_frame([run(made)]), "hatrick")


def test_colour_is_the_logarithm_of_the_multiple_of_the_best_of_each_length(figure):
    heat = figure.data[0]
    assert (list(heat.x), list(heat.y)) == ([0, 1, 2], [0, 1, 2])
    assert list(figure.layout.xaxis.ticktext) == ["32", "64", "128"]
    assert list(figure.layout.yaxis.ticktext) == ["256", "512", "1k"]
    assert heat.z[0][:2] == [0.0, 2.0]
    assert heat.z[1][:2] == [1.0, 0.0]
    assert (heat.zmin, heat.zmax) == (0, math.log2(4))


def words(figure):
    """What the cells say, without the colour it is in."""
    return [[re.sub(r"</?span[^>]*>", "", text) for text in line] for line in figure.data[0].text]


def test_cells_say_their_figure_in_one_unit_and_the_best_is_bold(figure):
    assert words(figure)[0][:2] == ["<b>1.00</b>", "4.00"]
    assert figure.layout.title.subtitle.text.startswith("in ms;")


def test_the_unit_is_that_of_the_middle_cell(run, record):
    made = [
        record("lsh", T, chunk_size=32, median_ms=ms)
        for T, ms in [(256, 20.0), (512, 1500.0), (1024, 90000.0)]
    ]
    figure = chunk_maps.chunk_latency(to_frame([run(made)]), "lsh")
    assert words(figure) == [["<b>0.0200</b>"], ["<b>1.50</b>"], ["<b>90.0</b>"]]
    assert figure.layout.title.subtitle.text.startswith("in s;")


@pytest.mark.parametrize("level", np.linspace(0, 1, 21))
def test_text_is_read_well_on_the_colour_of_its_cell(level):
    """A contrast of 4.5 is what WCAG 2.1, success criterion 1.4.3, asks of text."""
    top = 8.0
    inked = chunk_maps._inked("1", top**level, top)
    ink = unlabel_rgb(convert_colors_to_same_type(re.findall("#[0-9a-f]{6}", inked))[0][0])
    cell = unlabel_rgb(sample_colorscale("Cividis", [1 - level])[0])
    dark, light = sorted((luminance(ink), luminance(cell)))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def luminance(rgb):
    linear = [
        v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in np.divide(rgb, 255)
    ]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_failures_are_words_in_cells_without_a_colour(figure):
    heat = figure.data[0]
    assert heat.z[0][2] is None
    assert heat.z[1][2] is None
    words = figure.data[1]
    assert (words.x, words.y, words.text) == ((2, 2), (0, 1), ("no memory", "wrong"))
    assert words.customdata == (4, 5)


def test_cells_tell_their_rows(figure):
    assert [list(line) for line in figure.data[0].customdata] == [
        [0, 1, 4],
        [2, 3, 5],
        [6, None, None],
    ]
    assert sorted(figure.layout.meta["rows"]) == list(range(7))


def test_what_was_not_measured_is_an_empty_cell_that_says_so(figure):
    heat = figure.data[0]
    assert (heat.z[2][1], heat.text[2][1], heat.hovertext[2][1]) == (None, "", "not measured")


def test_workspace_has_units_of_its_own(run, record):
    made = [record("lsh", chunk_size=n, workspace=n * 2**20) for n in (32, 64)]
    figure = chunk_maps.chunk_workspace(to_frame([run(made)]), "lsh")
    assert words(figure) == [["<b>32.0</b>", "64.0"]]
    assert figure.layout.title.subtitle.text.startswith("in MiB;")
    assert figure.data[0].z[0] == [0.0, 1.0]


def test_a_label_that_failed_everywhere_still_has_a_map(run, record):
    made = [record("lsh", chunk_size=n, status=Status.TIMEOUT) for n in (32, 64)]
    figure = chunk_maps.chunk_latency(to_frame([run(made)]), "lsh")
    assert figure.data[1].text == ("timed out", "timed out")


def test_what_was_foreseen_throttled_or_left_out_is_words_too(run, record):
    made = [
        record("lsh", chunk_size=16, median_ms=5.0),
        record("lsh", chunk_size=32, median_ms=0.1, status=Status.THROTTLED),
        record("lsh", chunk_size=64, status=Status.OUT_OF_MEMORY, predicted=True),
        record("lsh", chunk_size=128, status=Status.LEFT_OUT, predicted=True),
    ]
    for chart in (chunk_maps.chunk_latency, chunk_maps.chunk_workspace):
        figure = chart(to_frame([run(made)]), "lsh")
        assert figure.data[0].z[0] == [0.0, None, None, None]
        assert figure.data[1].text == ("throttled", "no memory<br>(predicted)", "left out")


def test_a_point_that_two_devices_measured_has_one_cell_with_the_faster(run, record):
    gpu = {"device_name": "H200", "cache": "cold", "chunk_size": 32}
    made = [
        record("lsh", device=f"cuda:{i}", median_ms=ms, **gpu) for i, ms in ((0, 4.0), (1, 3.0))
    ]
    figure = chunk_maps.chunk_latency(to_frame([run(made)]), "lsh")
    assert words(figure) == [["<b>3.00</b>"]]
