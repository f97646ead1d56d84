import pytest

from reports.frame import to_frame
from reports.models.roofline_table import roofline_table


@pytest.fixture
def frame(run, record, ceiling):
    """A million FLOPs and ten thousand bytes a call, which take 1, 2 and 4 ms."""
    made = [record("full", T, median_ms=ms) for T, ms in ((256, 1.0), (512, 2.0), (1024, 4.0))]
    return to_frame([run([*made, record("hatrick", 256)], ceilings=[ceiling(2e9, 1e10)])])


def test_the_shortest_and_the_longest_length_of_every_label(frame):
    table = roofline_table(frame)
    assert table["attention"].tolist() == ["hatrick (n = 64)", "full", "full"]
    assert table["T"].tolist() == ["256", "256", "1,024"]
    assert table["rows"].tolist() == [[3], [0], [2]]


def test_rates_and_the_share_of_the_roof_that_bounds_them(frame):
    full = roofline_table(frame).iloc[2]
    assert (full["GFLOP/s"], full["GB/s"], full["FLOP/byte"]) == ("0.25", "0.0025", "100")
    assert (full["bound by"], full["of that roof"]) == ("arithmetic", "12%")


def test_without_ceilings_there_is_no_line(run, record):
    assert roofline_table(to_frame([run([record("full")])])).empty
