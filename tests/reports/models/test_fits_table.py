import re

import pytest

from reports.frame import to_frame
from reports.models.extrapolation import Longest
from reports.models.fits_table import fits_table, in_words

LENGTHS = (256, 512, 1024, 2048, 4096, 8192)


def numbers(text):
    return [float(number.replace(",", "")) for number in re.findall(r"[\d,]+", text)]


@pytest.fixture(scope="module")
def line(run, record):
    made = [record("full", T, median_ms=1e-6 * T**2, workspace=1024 * T) for T in LENGTHS]
    small = run(made, device_memory={"cpu": 96 * 2**20})
    (found,) = fits_table(to_frame([small])).to_dict("records")
    return found


def test_the_longest_is_what_the_memory_holds(line):
    # 96 MiB hold 1024 bytes of workspace and a little input for each of 98304 tokens.
    value, low, high = numbers(line["longest T that fits, at most"])
    assert low <= value <= high
    assert value == pytest.approx(98304, rel=0.02)
    assert line["device memory"] == "96.0 MiB"


def test_figures_are_predicted_at_twice_the_longest_length(line):
    assert line["predicted at T"] == "16,384"
    assert float(line["latency"].split(" ")[0]) == pytest.approx(1e-6 * 16384**2, rel=0.05)
    assert line["workspace"].startswith("16.0 MiB")
    assert line["rows"] == list(range(len(LENGTHS)))


def test_without_the_device_s_memory_it_says_so(run, record):
    made = [record("full", T, workspace=1024 * T, device="cuda:0") for T in LENGTHS]
    (found,) = fits_table(to_frame([run(made, device_memory={})])).to_dict("records")
    assert found["longest T that fits, at most"] == found["device memory"] == "–"
    assert "does not say how much memory" in found["remark"]


def test_no_upper_end_is_said_as_such():
    assert in_words(Longest(2**40, 123_456, None)) == "over 123,000"
    assert in_words(Longest(8000, 7000, 9004)) == "8,000 (7,000–9,000)"
