import pytest

from reports.charts.chunk_lines import chunk_curves
from reports.frame import to_frame
from reports.schema import Status

LENGTHS = (256, 1024, 2048, 4096)


@pytest.fixture(scope="module")
def figure(run, record):
    made = [
        record("hatrick", T, chunk_size=n, median_ms=1e-4 * (T * n + T * T / n))
        for T in LENGTHS
        for n in (64, 16, 32, 128)
    ]
    return chunk_curves(to_frame([run(made)]), "hatrick")


def of(figure, seq_len):
    return [trace for trace in figure.data if trace.name == seq_len]


def test_a_curve_a_length_relative_to_its_best_chunk_size(figure):
    curves = [trace for trace in figure.data if trace.meta["kind"] == "each"]
    assert [curve.name for curve in curves] == ["T = 256", "T = 1k", "T = 2k", "T = 4k"]
    first = curves[0]
    assert first.x == (16, 32, 64, 128)
    assert first.y == pytest.approx([1.0, 1.25, 2.125, 4.0625])
    assert first.customdata == (1, 2, 0, 3)
    assert len({curve.line.color for curve in curves}) == 4
    assert not any(trace.showlegend for trace in figure.data)


def test_the_law_is_dotted_through_them_with_its_best_as_a_diamond(figure):
    _, law, best = of(figure, "T = 1k")
    assert law.line.dash == "dot"
    assert law.y[0] == pytest.approx(1.25, rel=0.01)
    assert (best.x[0], best.y[0]) == pytest.approx((32, 1.0), rel=0.02)
    assert best.marker.symbol == "diamond-tall-open"
    assert list(law.meta["rows"]) == list(best.meta["rows"])


def test_the_subtitle_speaks_of_no_optimum_where_none_is_drawn(figure, run, record):
    assert figure.layout.title.subtitle.text.endswith(
        "<br>dotted: the law fitted to all, diamond: its best"
    )
    # The more the longer: no chunk size is the best.
    made = [
        record("hatrick", T, chunk_size=n, median_ms=1e-4 * T * (n + 50))
        for T in LENGTHS
        for n in (16, 32, 64, 128)
    ]
    without = chunk_curves(to_frame([run(made)]), "hatrick")
    assert not [trace for trace in without.data if trace.mode == "markers"]
    assert without.layout.title.subtitle.text.endswith("<br>dotted: the law fitted to all")


def test_colours_are_explained_by_a_scale_of_lengths(figure):
    bar = figure.layout.coloraxis.colorbar
    assert list(bar.ticktext) == ["256", "1k", "2k", "4k"]
    assert list(bar.tickvals) == [8, 10, 11, 12]
    assert list(figure.layout.xaxis.ticktext) == ["16", "32", "64", "128"]


def test_without_a_law_the_figure_says_why(run, record):
    figure = chunk_curves(to_frame([run([record(chunk_size=n) for n in (32, 64)])]), "hatrick")
    lines = figure.layout.title.subtitle.text.split("<br>")
    assert lines[1].startswith("no law is drawn: ")
    assert max(map(len, lines)) <= 50
    assert [trace.meta["kind"] for trace in figure.data] == ["each"]


def test_a_label_that_failed_everywhere_has_a_sentence(run, record):
    made = [record("lsh", chunk_size=n, status=Status.TIMEOUT) for n in (32, 64)]
    figure = chunk_curves(to_frame([run(made)]), "lsh")
    assert [note.text for note in figure.layout.annotations] == [
        "No chunk size has a valid latency."
    ]
