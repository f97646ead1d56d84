import pytest

from reports.charts.rooflines import roofline
from reports.frame import to_frame
from reports.schema import Status


@pytest.fixture(scope="module")
def figure(run, record, ceiling):
    made = [record("full", median_ms=1.0), record("lsh", median_ms=4.0)]
    made.append(record("hatrick", status=Status.CRASHED))
    return roofline(to_frame([run(made, ceilings=[ceiling(1e11, 1e10)])]))


def test_points_are_rates_over_intensities(figure):
    full, lsh = (trace for trace in figure.data if trace.meta["kind"] == "each")
    # A million FLOPs and ten thousand bytes in one millisecond and in four.
    assert (full.x[0], full.y[0]) == pytest.approx((100, 1e9))
    assert (lsh.x[0], lsh.y[0]) == pytest.approx((100, 2.5e8))
    assert "1% of the compute roof" in full.hovertext[0]
    assert (full.customdata, lsh.customdata) == ((0,), (1,))


def test_the_roof_rises_with_the_memory_to_the_ceiling(figure):
    (roof,) = (trace for trace in figure.data if trace.meta["kind"] == "made")
    assert roof.y == pytest.approx([min(1e11, 1e10 * x) for x in roof.x])
    assert roof.x[0] < 10 < roof.x[-1]
    assert 10 in [pytest.approx(x) for x in roof.x]
    assert "float32: 100 GFLOP/s" in roof.text
    assert "below 10 FLOP/byte the memory is the bound" in roof.hovertext[0]
    assert "a large copy, read and written: 10.0 GB/s" in roof.hovertext[0]


def test_the_roof_is_shown_while_any_of_its_points_is(figure):
    (roof,) = (trace for trace in figure.data if trace.meta["kind"] == "made")
    assert roof.meta == {"kind": "made", "rows": [0, 1], "alone": False, "any": True}


def test_every_device_and_dtype_of_a_run_has_its_roof(run, record, ceiling):
    made = [record(dtype=dtype) for dtype in ("float32", "bfloat16")]
    ceilings = [ceiling(1e11), ceiling(4e11, dtype="bfloat16")]
    figure = roofline(to_frame([run(made, ceilings=ceilings)]))
    roofs = [trace for trace in figure.data if trace.meta["kind"] == "made"]
    assert [roof.text[1] for roof in roofs] == ["float32: 100 GFLOP/s", "bfloat16: 400 GFLOP/s"]
    assert [list(roof.meta["rows"]) for roof in roofs] == [[0], [1]]
    assert roofs[0].line.dash != roofs[1].line.dash


def test_settings_differ_in_their_points(run, record, ceiling):
    made = [record(batch=batch) for batch in (1, 2)]
    figure = roofline(to_frame([run(made, ceilings=[ceiling()])]))
    symbols = [t.marker.symbol for t in figure.data if t.meta["kind"] == "each"]
    assert symbols == ["circle", "circle-open"]


def test_points_without_a_ceiling_are_left_out(run, record, ceiling):
    made = [record(), record(dtype="bfloat16")]
    figure = roofline(to_frame([run(made, ceilings=[ceiling()])]))
    assert [t.customdata for t in figure.data if t.meta["kind"] == "each"] == [(0,)]
