import pytest

from reports import charts
from reports.frame import to_frame
from reports.palette import NAMED

LENGTHS = (256, 512, 1024, 2048, 4096, 8192)


@pytest.fixture(scope="module")
def frame(run, record, visits):
    """LSH, linear in T, overtakes full attention, as T², at 1448; another run without."""

    def point(variant, T, ms, **identity):
        latency = visits(ms, [1.0, 1.1, 0.9, 1.05, 0.95, 1.0, 1.2, 1.02], offset=len(variant))
        latency["rounds"] = [T * 100 + i for i in range(8)]
        return record(variant, T, median_ms=ms, latency=latency, **identity)

    made = [point("full", T, T**2 * 1e-5) for T in LENGTHS]
    made += [
        point("lsh", T, T * 1.448e-2 * (1 + n / 1e3), chunk_size=n) for T in LENGTHS for n in (1, 9)
    ]
    return to_frame([run(made)])


def crossings(figure):
    return [t for t in figure.data if t.marker.symbol == "diamond-tall"]


def test_a_crossover_lies_on_both_curves_with_its_interval(frame):
    (mark,) = [t for t in crossings(charts.scaling(frame)) if t.visible]
    (T,) = mark.x
    assert pytest.approx(1448, rel=0.03) == T
    assert mark.y[0] == pytest.approx(T**2 * 1e-5, rel=0.1)
    assert mark.error_x.array[0] > 0
    assert mark.error_x.arrayminus[0] > 0
    assert (mark.marker.color, mark.marker.line.color) == (NAMED["lsh"], NAMED["full"])
    assert mark.hovertext[0].startswith("lsh overtakes full<br>from T = ")


def test_it_is_shown_while_all_its_rows_are(frame):
    (mark,) = [t for t in crossings(charts.scaling(frame)) if t.visible]
    rows = list(mark.meta["rows"])
    assert set(frame.loc[rows, "label"]) == {"full", "lsh"}
    assert len(rows) == 2 * len(LENGTHS)


def test_a_chunk_size_alone_has_crossovers_of_its_own(frame):
    hidden = [t for t in crossings(charts.scaling(frame)) if not t.visible]
    assert len(hidden) == 2
    assert all(t.meta["alone"] for t in hidden)
    assert {t.hovertext[0].split(" overtakes")[0] for t in hidden} == {"lsh (n = 1)", "lsh (n = 9)"}


def test_curves_that_do_not_cross_have_no_mark(frame):
    assert not crossings(charts.scaling(frame[frame["seq_len"] > 2000]))


def test_the_workspace_has_no_crossovers(frame):
    assert not crossings(charts.memory(frame))
