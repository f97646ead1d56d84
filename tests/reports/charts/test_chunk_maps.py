import math

import pytest

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


def test_cells_say_their_figure_and_the_best_is_bold(figure):
    assert figure.data[0].text[0][:2] == ["<b>1.00<br>ms</b>", "4.00<br>ms"]


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
    heat = chunk_maps.chunk_workspace(to_frame([run(made)]), "lsh").data[0]
    assert heat.text[0] == ["<b>32.0<br>MiB</b>", "64.0<br>MiB"]
    assert heat.z[0] == [0.0, 1.0]


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
    assert list(figure.data[0].text) == [["<b>3.00<br>ms</b>"]]
