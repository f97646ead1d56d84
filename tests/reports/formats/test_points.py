"""Names that are the same from run to run, and of no two points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.formats.points import ExportError, attention, left_out, name, setting, tracked
from reports.schema import Point, Status

FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "variant": st.sampled_from(["hatrick", "lsh", "my-own"]),
    "options": st.dictionaries(
        st.sampled_from(["rounds", "wrap", "left"]),
        st.integers(0, 3) | st.floats(0.5, 0.9) | st.sampled_from(["flat", "a, b", "x:y=1", "4"]),
        max_size=2,
    ),
    "backend": st.sampled_from(["auto", "sdpa", "plain"]),
    "scope": st.sampled_from(["layer", "core"]),
    "direction": st.sampled_from(["forward", "forward+backward"]),
    "batch": st.integers(1, 2),
    "seq_len": st.sampled_from([256, 1000, 1024]),
    "dim": st.sampled_from([64, 512]),
    "heads": st.integers(1, 2),
    "chunk_size": st.none() | st.sampled_from([64, 128]),
    "causal": st.booleans(),
    "dtype": st.sampled_from(["float32", "bfloat16"]),
    "device": st.sampled_from(["cpu", "cuda:0"]),
    "device_name": st.sampled_from(["EPYC", "EPYC 2"]),
    "cache": st.sampled_from(["cold", "warm"]),
    "cuda_graph": st.booleans(),
    "allocator": st.sampled_from(["kept", "system"]),
    "wait_policy": st.sampled_from(["passive", "system"]),
    "seed": st.integers(0, 1),
}
POINTS = st.builds(Point, backend_used=st.just("sdpa"), **FIELDS)


@given(POINTS, POINTS)
def test_two_points_share_a_name_only_if_they_are_one(one: Point, other: Point) -> None:
    assert (name(one) == name(other)) == (one == other)


@given(POINTS, st.data())
def test_any_field_changes_the_name(point: Point, data: st.DataObject) -> None:
    field = data.draw(st.sampled_from(list(FIELDS)))
    value = data.draw(FIELDS[field])
    changed = point.model_copy(update={field: value})
    assert (name(changed) == name(point)) == (value == getattr(point, field))


def test_every_field_of_a_point_is_looked_at() -> None:
    assert set(FIELDS) | {"backend_used"} == set(Point.model_fields)


def test_a_name_is_what_it_always_was(record: Callable[..., Any]) -> None:
    """Trackers know curves by these: a change here ends all of them."""
    plain = record("hatrick", 1024).point
    assert name(plain) == (
        "hatrick, n=64, forward, T=1024, batch=1, dim=64, heads=4, float32, cpu (Example CPU 9000)"
    )
    odd = record(
        "lsh",
        options={"wrap": "flat", "rounds": 4},
        backend="plain",
        scope="core",
        causal=True,
        device="cuda:1",
        device_name="NVIDIA H200",
        seed=3,
    ).point
    assert name(odd) == (
        "lsh:rounds=4:wrap=flat:backend=plain, n=64, forward, T=256, batch=1, dim=64, heads=4, "
        "float32, cuda (NVIDIA H200), scope=core, causal=true, seed=3, cache=warm"
    )
    assert name(odd) == f"{attention(odd)}, {setting(odd)}"


def test_the_device_index_and_what_auto_picked_are_not_in_a_name(
    record: Callable[..., Any],
) -> None:
    point = record(device="cuda:0", backend_used="sdpa").point
    other = point.model_copy(update={"device": "cuda:3", "backend_used": "flex"})
    assert name(point) == name(other)


def test_only_points_that_are_ok_are_tracked_and_the_others_are_named(
    run: Callable[..., Any], record: Callable[..., Any]
) -> None:
    statuses = [status for status in Status if status is not Status.OK]
    failed = [record("full", 512 + i, status=status) for i, status in enumerate(statuses)]
    made = run([record(), *failed])
    assert [point.record.status for point in tracked([made])] == [Status.OK]
    sentences = left_out([made])
    assert len(sentences) == len(failed)
    assert sentences[statuses.index(Status.OUT_OF_MEMORY)].startswith("full, forward, T=")
    assert "out of memory (it was out_of_memory at T = " in " ".join(sentences)


def test_of_a_point_tried_again_the_last_try_is_tracked(
    run: Callable[..., Any], record: Callable[..., Any]
) -> None:
    made = run([record(median_ms=1.0), record(median_ms=3.0)])
    (point,) = tracked([made])
    assert point.record.latency is not None
    assert point.record.latency.median_ms == 3.0


@pytest.mark.parametrize("picks", [("sdpa", "plain"), ("sdpa", "plain", "sdpa")])
def test_a_point_whose_auto_picked_another_backend_when_tried_again_is_one(
    run: Callable[..., Any], record: Callable[..., Any], picks: tuple[str, ...]
) -> None:
    tries = [record(median_ms=1.0 + i, backend_used=pick) for i, pick in enumerate(picks)]
    (point,) = tracked([run(tries)])
    assert point.record == tries[-1]


def test_the_last_try_decides_whether_a_point_is_tracked_or_left_out(
    run: Callable[..., Any], record: Callable[..., Any]
) -> None:
    ok = record(backend_used="sdpa")
    crashed = record(backend_used="plain", status=Status.CRASHED)
    mended = run([crashed, ok])
    assert ([point.record for point in tracked([mended])], left_out([mended])) == ([ok], [])
    broken = run([ok, crashed, record("full", 512)])
    assert [point.record.point.variant for point in tracked([broken])] == ["full"]
    assert len(left_out([broken])) == 1


def test_one_point_of_two_runs_is_refused(
    run: Callable[..., Any], record: Callable[..., Any]
) -> None:
    runs = [run([record()], name="before"), run([record()], name="after")]
    with pytest.raises(ExportError, match=r"hatrick, n=64.*before\.jsonl and in after\.jsonl"):
        tracked(runs)


def test_runs_of_two_devices_go_together(
    run: Callable[..., Any], record: Callable[..., Any]
) -> None:
    runs = [run([record(device_name=device)], name=device) for device in ("A", "B")]
    assert len(tracked(runs)) == 2


def test_nothing_to_track_is_an_error(run: Callable[..., Any], record: Callable[..., Any]) -> None:
    with pytest.raises(ExportError, match="nothing to export"):
        tracked([run([record(status=Status.CRASHED)])])
