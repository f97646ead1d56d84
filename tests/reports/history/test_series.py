"""Series: what belongs together, and what a shift says of itself."""

from __future__ import annotations

from math import inf

import pytest

from reports.history.series import Series, last_change, latest_shifts
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
    (point,) = [each for each in one.change_points if each.figure == "latency_ms"]
    assert (point.index, point.commit_before) == (10, "0000006")


def test_there_is_a_verdict_with_runs_enough(build) -> None:
    (one,) = build([{}] * 9)
    assert not one.has_verdict("latency_ms")
    assert one.has_verdict("workspace_bytes")
    assert one.change_points == []


def test_figures_that_stay_0_do_not_shift(build) -> None:
    (one,) = build([{"distance": 0.0, "oracle_error": 0.0}] * 12)
    assert one.change_points == []
    assert one.has_verdict("distance_to_full")


def test_from_0_and_to_0_an_oracle_error_steps_at_once(build) -> None:
    (one,) = build([{"oracle_error": error} for error in (0.0, 0.0, 1e-7, 0.0)])
    up, down = one.change_points
    assert (up.figure, up.index, up.before, up.ratio) == ("oracle_error", 2, 0.0, inf)
    assert up.after == pytest.approx(1e-7)
    assert (down.index, down.before, down.after, down.ratio) == (3, up.after, 0.0, 0.0)


def test_an_oracle_error_that_left_0_is_still_looked_at_for_shifts(build) -> None:
    errors = [0.0] * 3 + [1e-7 * (1 + 0.01 * (i % 3)) for i in range(8)]
    errors += [2e-7 * (1 + 0.01 * (i % 3)) for i in range(8)]
    step, shift = build([{"oracle_error": error} for error in errors])[0].change_points
    assert (step.index, shift.index) == (3, 11)
    assert step.after == shift.before == pytest.approx(1e-7, rel=0.03)
    assert shift.after / shift.before == shift.ratio == pytest.approx(2, rel=0.03)


def test_a_distance_is_compared_exactly_but_for_rounding(build) -> None:
    distances = (0.0, 0.0005, 0.4, 0.4009, 0.402)
    found = build([{"distance": distance} for distance in distances])[0].change_points
    assert [(each.figure, each.index) for each in found] == [
        ("distance_to_full", 2),
        ("distance_to_full", 4),
    ]
    assert [(each.before, each.after) for each in found] == [(0.0, 0.4), (0.4, 0.402)]


def test_what_auto_picks_is_one_series_and_named_where_it_changes(build) -> None:
    runs = [
        {
            "median_ms": (1.0 if i < 6 else 2.0) * (1 + 0.001 * (i % 3)),
            "backend_used": "sdpa" if i < 6 else "plain",
        }
        for i in range(12)
    ]
    runs.append({"status": Status.UNSUPPORTED, "reason": "none", "backend_used": ""})
    (one,) = build(runs)
    assert one.title == "hatrick n=64 T=256, forward"
    status, latency = one.change_points
    assert (latency.index, latency.also) == (6, ("auto picks sdpa → plain",))
    assert status.statuses == ("ok", "unsupported")
    assert status.also == ("auto picks plain → none",)


def test_auto_and_a_backend_by_name_are_two_series_with_two_titles(build, record) -> None:
    found = build([{"records": [record(), record(backend="sdpa")]}])
    assert len({one.key for one in found}) == len({one.title for one in found}) == 2


def test_a_status_that_changes_is_the_first_change(build) -> None:
    runs = [{"workspace": 4096}, {"workspace": 4096, "status": Status.THROTTLED, "reason": "hot"}]
    runs += [{"status": Status.LEFT_OUT, "reason": "time"}]
    runs += [{"status": Status.CRASHED, "reason": "x"}, {"workspace": 8192}]
    found = latest_shifts(build(runs))
    assert [(p.figure, p.index, p.commit_before) for _, p in found] == [
        ("status", 4, "0000003"),
        ("workspace_bytes", 4, "0000001"),
        ("status", 3, "0000001"),
    ]
    assert [p.statuses for _, p in found if p.figure == "status"] == [
        ("crashed", "ok"),
        ("ok", "crashed"),
    ]
    one = found[0][0]
    last = last_change(one)
    assert last is not None
    assert last.figure == "status"


def test_threads_tell_series_apart_on_a_cpu_alone(build) -> None:
    two = [{"environment": {"threads": count}} for count in (1, 2, 2)]
    found = build(two)
    assert [(one.title, len(one.runs)) for one in found] == [
        ("hatrick n=64 T=256, forward, 1 thread", 1),
        ("hatrick n=64 T=256, forward, 2 threads", 2),
    ]
    (gpu,) = build([{**one, "device": "cuda:0", "device_name": "H200"} for one in two])
    assert (gpu.title, len(gpu.runs)) == ("hatrick n=64 T=256, forward", 3)


def test_a_host_is_named_only_where_hosts_come_again(build) -> None:
    def runs(hosts: list[str]) -> list[dict]:
        return [
            {
                "median_ms": (1.0 if i < 6 else 1.3) * (1 + 0.001 * (i % 3)),
                "workspace": 4096 if i < 6 else 8192,
                "environment": {"host": host, "os": f"Linux {i // 6}"},
            }
            for i, host in enumerate(hosts)
        ]

    latency, workspace = build(runs(["a"] * 6 + ["b"] * 6))[0].change_points
    assert latency.also == ("OS Linux 0 → Linux 1", "host a → b")
    assert workspace.also == ()
    latency, _ = build(runs([f"runner-{i}" for i in range(12)]))[0].change_points
    assert (latency.also, latency.near) == (("OS Linux 0 → Linux 1",), ())


@pytest.mark.parametrize("figure", ["latency_ms", "workspace_bytes"])
def test_levels_and_ratio_agree(shifted: Series, figure: str) -> None:
    (point,) = [each for each in shifted.change_points if each.figure == figure]
    assert point.after / point.before == point.ratio


def test_shifts_are_listed_the_latest_first(build) -> None:
    sizes = [4096, 8192, 8192, 16384]
    (one,) = build([{"workspace": size} for size in sizes])
    assert [point.index for _, point in latest_shifts([one])] == [3, 1]
