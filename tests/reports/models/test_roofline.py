import math

import pandas as pd
import pytest

from reports.frame import to_frame
from reports.models.roofline import roofline
from reports.schema import Status


@pytest.fixture
def frame(run, record, ceiling):
    """1 ms, 10⁶ FLOPs and 10⁴ bytes a point; 10¹¹ FLOP/s and 10¹⁰ byte/s at most."""
    return to_frame([run([record(chunk_size=n) for n in (16, 32, 64)], ceilings=[ceiling()])])


def test_rates_are_the_cost_over_the_time(frame):
    point = roofline(frame).iloc[0]
    assert point["intensity"] == 100
    assert point["flops_per_s"] == pytest.approx(1e9)
    assert point["bytes_per_s"] == pytest.approx(1e7)


def test_much_work_a_byte_is_bound_by_compute(frame):
    point = roofline(frame).iloc[0]
    assert (point["bound"], point["roof_flops_per_s"]) == ("compute", pytest.approx(1e11))
    assert point["share"] == pytest.approx(0.01)


def test_little_work_a_byte_is_bound_by_memory_and_may_pass_its_roof_in_a_cache(frame):
    frame["model_bytes"] = pd.Series([2 * 10**6, 10**5, 4 * 10**7], dtype="Int64")
    found = roofline(frame)
    # The second lies on the ridge: both roofs are 10¹¹ FLOP/s.
    assert list(found["bound"]) == ["memory", "compute", "memory"]
    assert list(found["roof_flops_per_s"]) == pytest.approx([5e9, 1e11, 2.5e8])
    assert found["share"].iloc[2] == pytest.approx(4.0)


def test_only_rows_with_all_figures_are_there_under_their_own_index(run, record, ceiling):
    made = [
        record(chunk_size=16, status=Status.OUT_OF_MEMORY),
        record(chunk_size=32),
        record(chunk_size=64).model_copy(update={"flops": None}),
        record(chunk_size=128, dtype="bfloat16"),
    ]
    assert list(roofline(to_frame([run(made, ceilings=[ceiling()])])).index) == [1]


def test_no_ceiling_gives_no_row_and_all_columns(run, record):
    found = roofline(to_frame([run([record()])]))
    assert found.empty
    assert list(found.columns) == list(roofline(to_frame([])).columns)
    assert "share" in found


def test_nothing_is_infinite(frame):
    frame.loc[0, "model_bytes"] = 0
    frame.loc[1, "latency_ms"] = math.nan
    assert list(roofline(frame).index) == [2]
