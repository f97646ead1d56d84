import pytest

from reports.charts.hover import hovers
from reports.frame import to_frame
from reports.schema import Status


def text_of(run, record):
    return hovers(to_frame([run([record])])).iloc[0]


def test_it_names_the_point_and_its_figures(run, record):
    text = text_of(run, record("lsh", 4096, median_ms=12.0, workspace=3 * 2**20, causal=True))
    for part in (
        "<b>lsh</b>, T = 4k, chunk 64",
        "forward, layer, float32, causal",
        "batch 1, dim 64, 4 heads, seed 0, Example CPU 9000",
        "backend sdpa (auto) on cpu",
        "latency 12.0 ms (11.8–12.2)",
        "median of 3 samples in 1 visit, 95% interval",
        "workspace 3.00 MiB",
        "oracle error 1.0e-07, bound 1.0e-06 (66 rows)",
        "of one element at most 1.0e-06, bound 1.0e-04",
        "distance to full 0.400",
        "cosine to full 0.900",
    ):
        assert part in text.split("<br>")


def test_what_is_missing_is_left_out_or_said(run, record):
    text = text_of(run, record("full", interval=False, distance=None, oracle="self"))
    assert "chunk" not in text
    assert "to full" not in text
    assert "too few samples for an interval" in text
    assert "against itself" in text
    assert "nan" not in text.lower()


def test_ways_of_measuring_are_named_where_they_are_not_the_usual_ones(run, record):
    usual = text_of(run, record(device="cuda:1", cache="cold"))
    assert "on cuda:1<br>" in usual
    text = text_of(run, record(cache="cold", allocator="system"))
    assert "on cpu, cold cache, system malloc<br>" in text


def test_a_missed_target_says_why_sampling_stopped(run, record):
    made = record(latency={"target": 0.01, "stopped_by": "time", "visits": [1, 2]})
    text = text_of(run, made)
    assert "median of 3 samples in 2 visits" in text
    assert "<b>±2%, target 1%: time used up</b>" in text.split("<br>")


def test_a_throttled_point_has_its_figures_and_says_so(run, record):
    text = text_of(run, record(status=Status.THROTTLED, median_ms=7.0, reason="held back"))
    assert "latency 7.00 ms" in text
    assert text.endswith("<b>throttled</b>: held back")


def test_a_failure_says_why_and_text_is_escaped(run, record):
    text = text_of(run, record("a<b>", status=Status.CRASHED, reason="<script>alert(1)</script>"))
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "<b>a&lt;b&gt;</b>" in text
    assert "latency" not in text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status.OUT_OF_MEMORY, "out of memory"),
        (Status.DISAGREES, "wrong answer"),
        (Status.LEFT_OUT, "left out"),
    ],
)
def test_a_status_is_said_as_everywhere_else(run, record, status, words):
    text = text_of(run, record(status=status, reason="so it was"))
    assert text.endswith(f"<b>{words}</b>: so it was")
    assert "latency" not in text
    assert "workspace" not in text


def test_a_point_with_ceilings_says_which_roof_bounds_it(run, record, ceiling):
    frame = to_frame([run([record(median_ms=0.1)], ceilings=[ceiling(1e11, 1e8)])])
    assert "10.0 GFLOP/s at 100 FLOP/byte: 100% of the memory roof" in hovers(frame)[0]


def test_texts_are_told_by_the_index_of_the_frame(run, record):
    frame = to_frame([run([record("full"), record("lsh")])])
    assert hovers(frame[1:]).index.tolist() == [1]
    assert hovers(frame[1:])[1] == hovers(frame)[1]
    assert hovers(frame[:0]).empty
