import math

import pytest

from reports.charts.chunk_maps import chunk_latency
from reports.charts.optimum_marks import BELOW, is_number, place, sentence
from reports.frame import to_frame
from reports.models.optimum import Optimum

CHUNKS = (32, 64, 128, 256)


def found(chunk_size, low=50.0, high=90.0, **changes):
    return Optimum(1024, chunk_size, low, high, 64, (32,), **changes)


@pytest.mark.parametrize(
    ("chunk_size", "position"),
    [
        (32, 0.0),
        (64, 1.0),
        (math.sqrt(64 * 128), 1.5),
        (256, 3.0),
        (2**8.25, 3.25),
        (9999, 3.5),
        (math.inf, 3.5),
        (2**4.75, -0.25),
        (1, -0.5),
        (0, -0.5),
    ],
)
def test_a_chunk_size_lies_between_columns_by_its_logarithm(chunk_size, position):
    assert place(chunk_size, CHUNKS) == pytest.approx(position)


@pytest.mark.parametrize(("chunk_size", "drawn"), [(64, True), (0, False), (math.inf, False)])
def test_only_a_number_is_drawn(chunk_size, drawn):
    assert is_number(found(chunk_size)) is drawn


def test_without_a_law_there_is_no_number():
    assert not is_number(found(math.nan))


def test_an_optimum_says_its_interval_and_what_was_measured():
    text = sentence(found(70.4))
    assert "<b>T = 1k</b>: the law’s best chunk size is 70 (50–90)" in text
    assert text.endswith("measured best: 64 (or 32)")
    assert "(any smaller–any larger)" in sentence(found(70.4, 0.0, math.inf))
    assert sentence(found(70.4, remark="so it is")).endswith("<br>so it is")


@pytest.fixture(scope="module")
def law(run, record):
    """n* is sqrt(T): 16 to 64 tokens."""
    made = [
        record("hatrick", T, chunk_size=n, median_ms=1e-4 * (T * n + T * T / n))
        for T in (256, 1024, 2048, 4096)
        for n in (16, 32, 64, 128)
    ]
    return to_frame([run(made)])


def test_diamonds_follow_the_best_chunk_sizes_on_the_lower_border_of_the_cells(law):
    figure = chunk_latency(law, "hatrick")
    halo, mark = (t for t in figure.data if t.name == "n*(T)")
    assert "law’s best" in figure.layout.title.subtitle.text
    assert mark.x == halo.x == pytest.approx([0, 1, 1.5, 2], abs=0.05)
    assert mark.y == tuple(i - BELOW for i in range(4))
    assert halo.marker.size > mark.marker.size
    assert figure.layout.yaxis.range[0] < min(mark.y)
    # A line would cross the text of the cells.
    assert halo.mode == mark.mode == "markers"
    assert all(width >= 0 for width in (*mark.error_x.array, *mark.error_x.arrayminus))
    assert "measured best: 64" in mark.hovertext[-1]
    assert sorted(mark.meta["rows"]) == list(range(16))


def test_without_a_law_there_is_no_diamond(run, record):
    frame = to_frame([run([record(chunk_size=n) for n in (32, 64)])])
    figure = chunk_latency(frame, "hatrick")
    assert [t.type for t in figure.data] == ["heatmap"]
    assert "law" not in figure.layout.title.subtitle.text


def test_a_law_without_a_best_chunk_size_has_no_diamond_and_promises_none(run, record):
    made = [
        record("hatrick", T, chunk_size=n, median_ms=1e-4 * T * (n + 50))
        for T in (256, 1024, 2048, 4096)
        for n in (16, 32, 64, 128)
    ]
    figure = chunk_latency(to_frame([run(made)]), "hatrick")
    assert [t.type for t in figure.data] == ["heatmap"]
    assert "law" not in figure.layout.title.subtitle.text
