from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import charts
from reports.charts.fits import apart, fits
from reports.charts.series import series
from reports.frame import to_frame

LENGTHS = (256, 512, 1024, 2048, 4096, 8192)


@pytest.fixture(scope="module")
def frame(run, record):
    """Full attention as T², and one with chunk sizes as T."""
    made = [record("full", T, median_ms=T**2 * 1e-4, workspace=16 * T * T) for T in LENGTHS]
    made += [
        record("lsh", T, chunk_size=n, median_ms=T * n * 1e-3) for T in LENGTHS for n in (32, 64)
    ]
    return to_frame([run(made)])


def test_groups_are_what_is_seen_at_the_same_time(frame):
    groups = fits(frame, series(frame), "latency")
    chunks = [[(fit.of.label, fit.curve.chunk) for fit in group] for group in groups]
    assert chunks == [[("full", None), ("lsh", "best")], [("lsh", 32)], [("lsh", 64)]]
    assert [fit.alone for group in groups for fit in group] == [False, False, True, True]


def test_words_of_few_settings_keep_clear_of_each_other(run, record):
    made = [
        record("full", T, median_ms=T * (1 + b / 1e3), batch=b) for T in LENGTHS for b in (1, 2)
    ]
    frame = to_frame([run(made)])
    (group,) = fits(frame, series(frame), "latency")
    assert [fit.of.setting for fit in group] == [0, 1]
    figure = charts.scaling(frame)
    heights = [np.log10(t.y[0]) for t in figure.data if t.mode == "text"]
    low, high = figure.layout.yaxis.range
    assert abs(heights[1] - heights[0]) >= 0.05 * (high - low)


def test_too_many_chunk_sizes_alone_are_left_out(run, record, monkeypatch):
    monkeypatch.setattr("reports.charts.fits.MOST_ALONE", 3)
    made = [record("lsh", chunk_size=n, batch=b) for n in (32, 64) for b in (1, 2)]
    frame = to_frame([run(made)])
    found = fits(frame, series(frame), "latency")
    assert [fit.curve.chunk for group in found for fit in group] == ["best", "best"]


def test_a_fit_is_a_line_in_a_band_with_the_exponent_at_its_end(frame):
    of_full = [t for t in charts.scaling(frame).data if t.name == "full" and not t.customdata]
    band, line, word = of_full
    assert band.fill == "toself"
    assert line.y[0] == pytest.approx(256**2 * 1e-4, rel=1e-3)
    assert line.y[-1] == pytest.approx(8192**2 * 1e-4, rel=1e-3)
    low, high = band.y[:16], band.y[16:][::-1]
    assert all(a <= y <= b for a, y, b in zip(low, line.y, high, strict=True))
    assert "T<sup>2.00</sup>" in word.text[0]
    assert "latency grows as T<sup>2.00</sup>" in line.hovertext[0]
    assert "from 256 to 8k" in line.hovertext[0]
    assert {trace.showlegend for trace in of_full} == {False}
    assert list(line.meta["rows"]) == list(range(6))


def test_a_curve_that_no_growth_fits_says_so_instead(run, record):
    made = [record("full", T, median_ms=1 + (T == 512)) for T in LENGTHS]
    (word,) = [t for t in charts.scaling(to_frame([run(made)])).data if t.meta["kind"] == "made"]
    assert word.mode == "text"
    assert word.text[0].strip() == "no fit"
    assert "no growth is drawn" in word.hovertext[0]


def test_fits_of_a_chunk_size_alone_are_there_but_not_seen(frame):
    alone = [t for t in charts.scaling(frame).data if t.meta.get("alone")]
    assert {t.visible for t in alone} == {False}
    assert any("chunk 32" in t.hovertext[0] for t in alone if t.hovertext)


def test_words_are_not_cut_off_at_the_end_of_the_axis(frame):
    words = [t for t in charts.scaling(frame).data if t.mode == "text"]
    assert words
    assert not any(t.cliponaxis for t in words)


def test_workspaces_are_in_bytes(frame):
    (line,) = [
        t
        for t in charts.memory(frame).data
        if t.name == "full" and t.mode == "lines" and not t.fill
    ]
    assert line.hovertext[0].startswith("<b>full</b><br>workspace grows as T<sup>2.00</sup>")
    assert "with no fixed cost to be seen; the fit is less than 0.1% off" in line.hovertext[0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_words_keep_a_gap_their_order_and_the_axis(wanted):
    found = apart(wanted, 0.05, 0.0, 1.0)
    order = np.argsort(wanted, kind="stable")
    placed = [found[i] for i in order]
    assert all(high - low >= 0.05 - 1e-9 for low, high in pairwise(placed))
    assert min(found) >= 0.025 - 1e-9
    assert max(found) <= 0.975 + 1e-9


def test_words_that_are_apart_stay_where_they_are():
    assert apart([0.8, 0.2, 0.5], 0.05, 0.0, 1.0) == [0.8, 0.2, 0.5]


def test_without_room_for_all_gaps_words_share_what_there_is():
    assert apart([0.5] * 4, 0.5, 0.0, 1.0) == pytest.approx([0.125, 0.375, 0.625, 0.875])


def test_a_fixed_cost_that_can_be_seen_is_said(run, record):
    made = [record("full", T, median_ms=5 + T * 1e-2) for T in LENGTHS]
    texts = [t.hovertext[0] for t in charts.scaling(to_frame([run(made)])).data if t.hovertext]
    assert any("above a fixed 5.00 ms; the fit is less than 0.1% off" in text for text in texts)
