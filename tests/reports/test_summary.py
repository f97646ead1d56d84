import pandas as pd
import pytest

from reports.frame import to_frame
from reports.schema import Status
from reports.statuses import GRAVEST, STATUS_WORDS
from reports.summary import failures, summarise


@pytest.fixture(scope="module")
def summary(run, sweep):
    return summarise(to_frame([run(sweep())]))


def at(summary, label, seq_len, status="ok"):
    rows = summary[(summary["label"] == label) & (summary["seq_len"] == seq_len)]
    return rows[rows["status"] == status].iloc[0]


def test_one_row_a_label_and_length_in_the_order_of_reading(summary):
    ok_or_full = summary[summary["status"] != "crashed"]
    assert ok_or_full["label"].tolist() == ["hatrick", "full", "sliding_window", "lsh"] * 6
    assert summary["seq_len"].is_monotonic_increasing


def test_a_chunked_variant_is_shown_with_its_fastest_chunk(summary):
    assert at(summary, "hatrick", 256)["chunk_sizes"] == [32]
    assert at(summary, "hatrick", 8192)["chunk_sizes"] == [128]
    assert at(summary, "full", 256)["chunk_sizes"] == []


def test_ratios_are_full_over_own_at_the_same_length(summary, run, record):
    made = [
        record("full", 256, median_ms=6.0, workspace=900),
        record("full", 512, median_ms=60.0, workspace=9000),
        record("hatrick", 256, median_ms=2.0, workspace=300),
    ]
    found = summarise(to_frame([run(made)]))
    own = at(found, "hatrick", 256)
    assert (own["latency_ratio"], own["workspace_ratio"]) == (3.0, 3.0)
    assert own["against_full"] == "3.00× faster"
    full = at(found, "full", 256)
    assert (full["latency_ratio"], full["against_full"]) == (1.0, "")


def test_without_full_attention_the_reason_stands_in_its_place(summary, run, record):
    row = at(summary, "hatrick", 8192)
    assert row["against_full"] == "full: out of memory"
    assert pd.isna(row["latency_ratio"])
    alone = summarise(to_frame([run([record("lsh")])]))
    assert at(alone, "lsh", 256)["against_full"] == "full: not measured"


def test_failures_are_rows_with_their_chunk_sizes_and_no_figures(run, record):
    made = [
        record("hatrick", chunk_size=16),
        *(record("hatrick", chunk_size=n, status=Status.OUT_OF_MEMORY) for n in (64, 32)),
        record("hatrick", chunk_size=8, status=Status.DISAGREES),
    ]
    found = summarise(to_frame([run(made)]))
    assert found[["status", "chunk_sizes"]].to_numpy().tolist() == [
        ["ok", [16]],
        ["out_of_memory", [32, 64]],
        ["disagrees", [8]],
    ]
    figures = ["latency_ms", "workspace_bytes", "distance_to_full", "against_full"]
    assert found.loc[1:, figures].isna().all(axis=None)


def test_settings_are_never_compared_with_each_other(run, record):
    made = [record("full", causal=True, median_ms=9.0), record("hatrick", median_ms=1.0)]
    found = summarise(to_frame([run(made)]))
    assert at(found, "hatrick", 256)["against_full"] == "full: not measured"


def test_an_empty_frame_has_the_same_columns(summary, run):
    empty = summarise(to_frame([run([])]))
    assert list(empty) == list(summary)
    assert empty.empty


def test_failures_are_grouped_where_they_differ_only_in_numbers(run, record):
    made = [
        *(
            record("full", T, status=Status.OUT_OF_MEMORY, reason=f"wanted {T / 100} GiB")
            for T in (4096, 8192)
        ),
        record("lsh", 256, status=Status.CRASHED, reason="SIGSEGV"),
        record("lsh", 256, status=Status.DISAGREES, reason="error 0.5 above 0.1", chunk_size=32),
        record("hatrick", 256),
    ]
    found = failures(to_frame([run(made)]))
    assert found.to_dict("records") == [
        {
            "status": "disagrees",
            "predicted": False,
            "label": "lsh",
            "reason": "error 0.5 above 0.1",
            "points": 1,
            "where": "T 256; chunk 32; forward; layer; float32",
        },
        {
            "status": "crashed",
            "predicted": False,
            "label": "lsh",
            "reason": "SIGSEGV",
            "points": 1,
            "where": "T 256; chunk 64; forward; layer; float32",
        },
        {
            "status": "out_of_memory",
            "predicted": False,
            "label": "full",
            "reason": "wanted 81.92 GiB",
            "points": 2,
            "where": "T 4k, 8k; forward; layer; float32",
        },
    ]


def test_no_failures(run, record):
    assert failures(to_frame([run([record()])])).empty


def test_every_status_has_words_and_a_place_among_failures(run, record):
    assert set(STATUS_WORDS) == set(Status)
    made = [record(str(s), status=s) for s in Status if s is not Status.OK]
    found = failures(to_frame([run(made)]))["status"].tolist()
    assert found == list(GRAVEST)
    assert found[-1] == "left_out"


def test_what_was_foreseen_is_a_row_of_its_own_after_what_was_tried(run, record):
    made = [
        record("full", T, status=Status.OUT_OF_MEMORY, predicted=predicted, reason="too large")
        for T, predicted in ((1024, True), (512, False), (2048, True))
    ]
    found = failures(to_frame([run(made)]))
    assert found[["predicted", "points"]].to_numpy().tolist() == [[False, 1], [True, 2]]


def test_each_throttled_point_is_a_row_with_its_figures_and_no_comparison(run, record):
    made = [
        record("full", median_ms=9.0),
        *(record("lsh", chunk_size=n, median_ms=n, status=Status.THROTTLED) for n in (64, 32)),
    ]
    found = summarise(to_frame([run(made)]))
    throttled = found[found["status"] == "throttled"]
    assert throttled["chunk_sizes"].tolist() == [[32], [64]]
    assert throttled["latency_ms"].tolist() == [32.0, 64.0]
    assert throttled["workspace_bytes"].tolist() == [4096, 4096]
    assert throttled[["against_full", "latency_ratio", "workspace_ratio"]].isna().all(axis=None)


def test_a_throttled_full_attention_is_no_reference(run, record):
    made = [record("full", median_ms=9.0, status=Status.THROTTLED), record("hatrick")]
    found = summarise(to_frame([run(made)]))
    assert at(found, "hatrick", 256)["against_full"] == "full: throttled"


def test_what_was_left_out_comes_last_at_its_length(run, record):
    made = [
        record("hatrick", 256, status=Status.LEFT_OUT, predicted=True),
        record("full", 256),
        record("hatrick", 512),
    ]
    found = summarise(to_frame([run(made)]))
    assert found[["seq_len", "label", "status"]].to_numpy().tolist() == [
        [256, "full", "ok"],
        [256, "hatrick", "left_out"],
        [512, "hatrick", "ok"],
    ]
