import math

import pytest

from reports.charts.costs import memory, scaling
from reports.charts.fits import WORDS_PX
from reports.frame import to_frame


def test_memory_is_that_of_the_fastest_chunk_sizes(run, record):
    made = [
        record("hatrick", chunk_size=32, median_ms=2.0, workspace=100),
        record("hatrick", chunk_size=64, median_ms=1.0, workspace=900),
    ]
    (curve,) = [t for t in memory(to_frame([run(made)])).data if t.meta["kind"] == "best"]
    assert (curve.y, [list(rows) for rows in curve.customdata]) == ((900,), [[1, 0]])
    assert curve.meta["value"] == "workspace_bytes"
    assert curve.error_y.array is None


def test_a_time_or_size_of_zero_is_no_point_of_a_logarithmic_axis(run, record):
    made = [record("full", 256, median_ms=0.0, workspace=0), record("full", 512)]
    for draw in (scaling, memory):
        (curve,) = [
            t for t in draw(to_frame([run(made)])).data if t.name == "full" and t.line.width
        ]
        assert curve.y[0] is None


def test_words_at_the_ends_of_lines_have_room_that_is_as_wide_on_any_screen(run, record):
    made = [record("full", T, median_ms=T) for T in (256, 512, 1024, 2048, 4096, 8192)]
    for draw in (scaling, memory):
        without, with_words = (draw(to_frame([run(of)])).layout for of in ([], made))
        assert with_words.margin.r == without.margin.r + WORDS_PX
        low, high = with_words.xaxis.range
        assert math.log10(256) - low == pytest.approx(high - math.log10(8192))
