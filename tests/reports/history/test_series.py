"""Series: what belongs together, and what a shift says of itself."""

from __future__ import annotations

import pytest

from reports.history.series import Series, latest_shifts
from reports.schema import Status


def test_points_that_differ_are_different_series_and_runs_are_in_order(build, record) -> None:
    runs = [
        {"records": [record(), record("full"), record(seq_len=512), record(dtype="bfloat16")]},
        {"records": [record(seq_len=512), record()]},
    ]
    found = {one.title: one for one in build(runs)}
    assert list(found) == [
        "full T=256, forward, float32",
        "hatrick n=64 T=256, forward, bfloat16",
        "hatrick n=64 T=256, forward, float32",
        "hatrick n=64 T=512, forward, float32",
    ]
    two = found["hatrick n=64 T=512, forward, float32"]
    assert [run.environment.run_id for run in two.runs] == ["run-0", "run-1"]


def test_the_index_of_a_device_is_of_no_account_and_its_model_is(build, record) -> None:
    def on(device: str, name: str) -> dict:
        return {"records": [record(device=device, device_name=name)]}

    found = build([on("cuda:0", "A100"), on("cuda:1", "A100"), on("cuda:0", "H200")])
    assert [len(one.runs) for one in found] == [2, 1]


def test_several_runs_of_one_commit_stay_several(build) -> None:
    (one,) = build([{"environment": {"git_commit": "a" * 40}}] * 3)
    assert [run.commit for run in one.runs] == ["aaaaaaa"] * 3


def test_a_shift_names_its_commits_and_how_much(shifted: Series) -> None:
    latency = next(p for p in shifted.change_points if p.figure == "latency_ms")
    assert (latency.index, latency.commit_before, latency.commit_after) == (
        10,
        "0000009",
        "0000010",
    )
    assert latency.low < 1.1 < latency.high
    assert latency.ratio == pytest.approx(1.1, rel=0.01)
    assert (latency.before, latency.after) == pytest.approx((1.0, 1.1), rel=0.01)
    assert latency.p < 0.005


def test_a_shift_names_what_else_changed_there(shifted: Series) -> None:
    for point in shifted.change_points:
        assert point.also == ("torch 2.13.0+cpu → 2.14.0+cpu",)
        assert point.near == ()


def test_what_changed_a_run_away_is_named_for_noisy_figures_alone(build) -> None:
    runs = [
        {
            "median_ms": (1.0 if i < 8 else 1.2) * (1 + 0.001 * (i % 2)),
            "workspace": 4096 if i < 8 else 8192,
            "environment": {"driver": "1" if i < 9 else "2"},
        }
        for i in range(16)
    ]
    latency, workspace = build(runs)[0].change_points
    assert (latency.also, latency.near) == ((), ("driver 1 → 2",))
    assert (workspace.also, workspace.near) == ((), ())


def test_a_change_of_workspace_is_a_shift_at_once(build) -> None:
    (point,) = build([{"workspace": size} for size in (4096, 4096, 4100)])[0].change_points
    assert (point.figure, point.index) == ("workspace_bytes", 2)
    assert point.low == point.ratio == point.high == 4100 / 4096


def test_runs_without_a_figure_are_passed_over(build) -> None:
    runs = [{"median_ms": 1.0 + 0.001 * (i % 3)} for i in range(7)]
    runs += [{"status": Status.CRASHED, "reason": "no luck"}] * 2
    runs += [{"median_ms": 50.0, "status": Status.THROTTLED, "reason": "hot"}]
    runs += [{"median_ms": 2.0 + 0.001 * (i % 3)} for i in range(7)]
    (one,) = build(runs)
    assert len(one.values("latency_ms")) == 14
    (point,) = one.change_points
    assert (point.index, point.commit_before) == (10, "0000006")


def test_there_is_a_verdict_with_runs_enough(build) -> None:
    (one,) = build([{}] * 9)
    assert not one.has_verdict("latency_ms")
    assert one.has_verdict("workspace_bytes")
    assert one.change_points == []


def test_figures_that_are_0_have_no_logarithm_and_no_shift(build) -> None:
    (one,) = build([{"distance": 0.0, "oracle_error": 0.0}] * 12)
    assert one.change_points == []
    assert not one.has_verdict("distance_to_full")


def test_shifts_are_listed_the_latest_first(build) -> None:
    sizes = [4096, 8192, 8192, 16384]
    (one,) = build([{"workspace": size} for size in sizes])
    assert [point.index for _, point in latest_shifts([one])] == [3, 1]
