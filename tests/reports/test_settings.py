from dataclasses import replace
from pathlib import Path

import pytest

from reports import settings
from reports.frame import to_frame
from reports.schema import Point


def test_one_setting_is_described_in_full(run, sweep):
    found = settings.split(to_frame([run(sweep())]))
    assert [one.title for one in found] == [
        "forward, layer, float32, not causal, batch 1, dim 64, 4 heads, seed 0, Example CPU 9000"
    ]


@pytest.mark.parametrize(
    ("change", "titles"),
    [
        ({"scope": "core"}, ["layer", "core"]),
        ({"direction": "forward+backward"}, ["forward", "forward+backward"]),
        ({"dtype": "bfloat16"}, ["float32", "bfloat16"]),
        ({"causal": True}, ["not causal", "causal"]),
        ({"batch": 8}, ["batch 1", "batch 8"]),
        ({"dim": 128}, ["dim 64", "dim 128"]),
        ({"heads": 8}, ["4 heads", "8 heads"]),
        ({"seed": 5}, ["seed 0", "seed 5"]),
        ({"device_name": "H200"}, ["Example CPU 9000", "H200"]),
        ({"cache": "cold"}, ["warm cache", "cold cache"]),
        ({"cuda_graph": True}, ["no CUDA graph", "CUDA graph"]),
        ({"allocator": "system"}, ["malloc keeps freed memory", "system malloc"]),
        ({"wait_policy": "system"}, ["threads sleep", "system wait policy"]),
    ],
)
def test_whatever_changes_the_number_splits(run, record, change, titles):
    frame = to_frame([run([record(), record(**change)])])
    assert [one.title for one in settings.split(frame)] == titles
    assert [len(one.frame) for one in settings.split(frame)] == [1, 1]


def test_every_field_of_a_point_splits_or_is_in_a_label_or_on_an_axis():
    elsewhere = {"variant", "options", "backend", "backend_used", "seq_len", "chunk_size", "device"}
    assert set(settings.FIELDS) - {"file"} == set(Point.model_fields) - elsewhere


def test_two_devices_of_one_model_share_a_setting(run, record):
    made = [
        record("full", T, device=device, device_name="H200", cache="cold")
        for T, device in ((256, "cuda:0"), (512, "cuda:1"))
    ]
    (only,) = settings.split(to_frame([run(made)]))
    assert len(only.frame) == 2
    assert only.title.endswith("seed 0, H200")


@pytest.mark.parametrize(
    ("point", "ending"),
    [
        ({"cache": "cold"}, "Example CPU 9000, cold cache"),
        ({"device": "cuda:0", "cache": "warm"}, "Example CPU 9000, warm cache"),
        ({"device": "cuda:0", "cache": "cold", "cuda_graph": True}, "9000, CUDA graph"),
        ({"allocator": "system", "wait_policy": "system"}, "system malloc, system wait policy"),
    ],
)
def test_an_unusual_way_of_measuring_is_said_where_nothing_differs(run, record, point, ending):
    frame = to_frame([run([record(**point)])])
    assert settings.split(frame)[0].title.endswith(ending)
    assert settings.common(frame).endswith(ending)


def test_label_length_and_chunk_size_do_not_split(run, record):
    made = [record(), record("full", 512), record("lsh", chunk_size=32)]
    assert len(settings.split(to_frame([run(made)]))) == 1


def test_two_runs_of_the_same_points_are_not_mixed(run, record):
    runs = [
        replace(run([record()], name="6a3ac5cdde5c"), path=Path(f"deep/{name}.jsonl"))
        for name in ("monday", "friday")
    ]
    titles = [one.title for one in settings.split(to_frame(runs))]
    assert titles == ["run monday", "run friday"]


def test_common_says_what_all_share(run, record):
    frame = to_frame([run([record(), record(causal=True)])])
    assert settings.common(frame) == (
        "forward, layer, float32, batch 1, dim 64, 4 heads, seed 0, Example CPU 9000"
    )


def test_nothing_measured(run):
    frame = to_frame([run([])])
    assert settings.split(frame) == []
    assert settings.common(frame) == ""


def test_require_one_names_what_differs(run, record):
    frame = to_frame([run([record(), record(causal=True, dtype="bfloat16")])])
    with pytest.raises(ValueError, match=r"differ in dtype, causal.*settings.split"):
        settings.require_one(frame)
    settings.require_one(frame.iloc[:1])
