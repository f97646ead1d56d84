import pandas as pd
import pytest

from reports.figures import Agreement, Counts, Gpu, Latency, Memory
from reports.frame import COLUMNS, flat, load, to_frame
from reports.runwriter import RunWriter
from reports.schema import Point, Record, Status


def test_every_documented_column_has_its_dtype(run, sweep):
    frame = to_frame([run(sweep())])
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        name: dtype for name, (dtype, _) in COLUMNS.items()
    }
    assert all(meaning for _, meaning in COLUMNS.values())


def test_an_empty_run_has_the_same_columns_and_dtypes(run, record):
    full, empty = to_frame([run([record()])]), to_frame([run([])])
    assert len(empty) == 0
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()
    assert to_frame([]).dtypes.to_dict() == full.dtypes.to_dict()


def test_a_record_becomes_a_row(run, record):
    made = record("lsh", 512, median_ms=4.0, options={"rounds": 4}, causal=True, workspace=777)
    row = to_frame([run([made])]).iloc[0]
    assert row["key"] == made.key
    assert row["options"] == {"rounds": 4}
    assert row["causal"]
    assert (row["latency_ms"], row["latency_low_ms"], row["latency_high_ms"]) == (4.0, 3.92, 4.08)
    assert (row["latency_q1_ms"], row["latency_q3_ms"]) == (3.92, 4.08)
    assert row["samples_ms"] == [3.92, 4.0, 4.08]
    assert row["samples"] == 3
    assert (row["build_ms"], row["first_call_ms"], row["warmup_ms"]) == (3.0, 9.0, 20.0)
    assert (row["compile_ms"], row["mask_ms"], row["warmup_calls"]) == (5.0, 0.5, 2)
    assert (row["visits"], row["target"], row["stopped_by"]) == ([3], 0.0202, "precision")
    assert row["precision"] == pytest.approx(0.02)
    assert row["stationary"]
    ways = ["cache", "cuda_graph", "allocator", "wait_policy", "order", "code"]
    assert row[ways].tolist() == ["warm", False, "kept", "passive", "interleaved", "c0de5eed"]
    assert (row["retained_bytes"], row["throttled_samples"]) == (0, 0)
    assert not row["predicted"]
    assert row["workspace_bytes"] == 777
    assert row["parameter_bytes"] == 2048
    assert row["memory_source"] == "cpu allocator events"
    assert (row["oracle_error"], row["oracle_bound"], row["oracle"]) == (1e-7, 1e-6, "independent")
    assert (row["oracle_max_error"], row["oracle_max_bound"]) == (1e-6, 1e-4)
    assert (row["distance_to_full"], row["cosine_to_full"]) == (0.4, 0.9)
    assert (row["flops"], row["model_bytes"]) == (10**6, 10**4)
    assert (row["run_id"], row["file"]) == ("run-a", "run-a.jsonl")
    assert (row["torch"], row["git_commit"]) == ("2.13.0+cpu", "0123abc")
    assert row["started_at"] == pd.Timestamp("2025-03-04T05:06:07Z")


def test_what_nvml_said_becomes_columns(run, record, gpu):
    made = record(
        gpu=gpu(),
        latency={"launch_hidden": 0.9, "throttled": [0, 2], "cpu_wait": 0.25, "cpu_steal": 0.125},
        memory={"process_bytes": 5, "resident_before_bytes": 6, "resident_peak_bytes": 7},
    )
    row = to_frame([run([made])]).iloc[0]
    assert row["gpu_readings"] == 20
    clocks = [f"sm_clock_{name}_mhz" for name in ("low", "median", "high")]
    assert row[clocks].tolist() == [1410.0, 1755.0, 1980.0]
    others = ["memory_clock_mhz", "temperature_c", "power_w", "energy_j"]
    assert row[others].tolist() == [2619.0, 61.0, 512.0, 0.25]
    assert row["slowdowns"] == {"sw_power_cap": 4}
    assert (row["launch_hidden"], row["throttled_samples"]) == (0.9, 2)
    assert (row["cpu_wait"], row["cpu_steal"]) == (0.25, 0.125)
    sizes = ["process_bytes", "resident_before_bytes", "resident_peak_bytes"]
    assert row[sizes].tolist() == [5, 6, 7]


def test_every_figure_of_a_record_is_a_column():
    """What is left out here has a column under another name, or is one of the parts of the row."""
    renamed = {"median_ms", "q1_ms", "q3_ms", "low_ms", "high_ms", "throttled"}
    renamed |= {"source", "readings", "sm_clock_mhz"}
    parts = {"type", "point", "latency", "memory", "gpu", "agreement", "counts"}
    fields = {
        name
        for model in (Record, Point, Latency, Memory, Gpu, Agreement, Counts)
        for name in model.model_fields
    }
    assert fields - renamed - parts <= set(COLUMNS)


def test_counts_stand_beside_the_cost_models_flops(run, record):
    counts = Counts(flops=1200, operators=7, launches=None, graph_breaks=0)
    made = [record().model_copy(update={"counts": counts, "flops": 1000}), record("full")]
    frame = to_frame([run(made)])
    names = ["flops", "counted_flops", "operators", "launches", "graph_breaks"]
    assert frame.loc[0, names].dropna().to_dict() == {
        "flops": 1000,
        "counted_flops": 1200,
        "operators": 7,
        "graph_breaks": 0,
    }
    assert frame.loc[1, names[1:]].isna().all()


def test_the_noise_floor_is_that_of_the_same_device(run, record, noise):
    made = [record(), record(device_name="H200")]
    frame = to_frame([run(made, noise=noise(spread=0.03))])
    assert frame["noise_spread"].tolist() == [0.03, pytest.approx(float("nan"), nan_ok=True)]
    assert to_frame([run(made)])["noise_spread"].isna().all()


def test_a_throttled_point_has_all_figures(run, record):
    row = to_frame([run([record(status=Status.THROTTLED, median_ms=5.0)])]).iloc[0]
    assert (row["status"], row["latency_ms"], row["workspace_bytes"]) == ("throttled", 5.0, 4096)


def test_missing_figures_are_missing_and_never_zero(run, record):
    made = [
        record(status=Status.OUT_OF_MEMORY),
        record("full", interval=False, distance=None),
    ]
    frame = to_frame([run(made)])
    figures = [
        *(name for name in frame if name.startswith(("latency", "samples", "warmup", "oracle"))),
        *("workspace_bytes", "allocated_peak_bytes", "distance_to_full", "memory_source"),
    ]
    assert frame.loc[0, figures].isna().all()
    ends = ["latency_low_ms", "latency_high_ms", "distance_to_full", "cosine_to_full"]
    assert frame.loc[1, ends].isna().all()
    assert frame.loc[1, "latency_ms"] == 1.0
    assert pd.isna(frame.loc[1, "chunk_size"])
    assert pd.isna(frame.loc[1, "reserved_peak_bytes"])


def test_integers_stay_exact_beside_missing_ones(run, record):
    large = 2**53 + 1
    made = [
        record("hatrick"),
        record("full", workspace=large),
        record("lsh", status=Status.TIMEOUT),
    ]
    assert to_frame([run(made)]).loc[1, "workspace_bytes"] == large


def test_the_last_try_of_a_point_is_its_row(run, record):
    tries = [record(status=Status.TIMEOUT), record(median_ms=7.0)]
    frame = to_frame([run(tries)])
    assert frame["latency_ms"].tolist() == [7.0]


def test_load_reads_files(tmp_path, environment, record):
    for name in ("a", "b"):
        with RunWriter(tmp_path / f"{name}.jsonl", environment(run_id=name)) as writer:
            writer.write(record())
    assert load(tmp_path)["run_id"].tolist() == ["a", "b"]
    assert load([tmp_path / "b.jsonl"])["run_id"].tolist() == ["b"]


def test_load_says_what_is_no_run_file(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        load(tmp_path / "absent.jsonl")


def test_the_best_rates_of_a_run_are_its_ceilings_by_device_and_dtype(run, record, ceiling):
    records = [record("full", 256), record("full", 256, dtype="bfloat16")]
    measured = [
        ceiling(1e11, 2e10),
        ceiling(2e11, 1e10),
        ceiling(9e11, 9e10, device_name="another model"),
    ]
    frame = to_frame([run(records, ceilings=measured), run(records, name="run-b")])
    assert frame["flops_ceiling"].tolist()[0] == pytest.approx(2e11)
    assert frame["bytes_ceiling"].tolist()[0] == pytest.approx(2e10)
    assert frame["flops_ceiling"].isna().tolist() == [False, True, True, True]


def test_a_run_without_the_memory_of_its_devices_has_the_hosts_for_a_cpu_alone(run, record):
    records = [record("full", 256), record("full", 256, device="cuda:0", device_name="A GPU")]
    frame = to_frame([run(records, device_memory={}), run(records, device_memory={"cuda:0": 141})])
    assert frame["capacity_bytes"].tolist()[0] == 8 * 2**30
    assert frame["capacity_bytes"].isna().tolist() == [False, True, False, False]
    assert frame["capacity_bytes"].tolist()[3] == 141


def test_flat_has_one_value_a_cell_and_nothing_of_the_frame_changes(run, record):
    made = [record("lsh", options={"rounds": 4, "a": 1}), record(status=Status.TIMEOUT)]
    frame = to_frame([run(made)])
    table = flat(frame)
    assert list(table) == [n for n in COLUMNS if n not in ("samples_ms", "visits", "rounds")]
    assert table["options"].tolist() == ['{"a": 1, "rounds": 4}', "{}"]
    assert table["slowdowns"].isna().all()
    assert frame["options"][0] == {"rounds": 4, "a": 1}
    assert table["latency_ms"].equals(frame["latency_ms"])


def test_flat_keeps_the_index_and_an_empty_frame_its_columns(run, record):
    frame = to_frame([run([record(seq_len=256), record(seq_len=512)])])
    assert flat(frame.iloc[[1]]).index.tolist() == [1]
    empty = flat(to_frame([run([])]))
    assert empty.empty
    assert list(empty) == list(flat(frame))
