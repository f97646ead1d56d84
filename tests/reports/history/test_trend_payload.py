"""What the trend page carries."""

from __future__ import annotations

import json

from reports.history.series import Series
from reports.history.trend_payload import trend_payload
from reports.schema import Status


def test_a_series_has_its_figures_levels_and_shifts(shifted: Series) -> None:
    carried = trend_payload([shifted])
    (one,) = carried["series"]
    assert one["title"] == "hatrick n=64 T=8k, forward"
    assert one["runs"] == list(range(20))
    assert one["figures"]["latency_ms"][:3] == [0.998, 1, 1.002]
    assert one["figures"]["workspace_bytes"] == [4096] * 10 + [8192] * 10
    assert [level[:2] for level in one["levels"]["latency_ms"]] == [(0, 9), (10, 19)]
    assert one["levels"]["workspace_bytes"] == [(0, 9, 4096.0), (10, 19, 8192.0)]
    assert one["levels"]["oracle_error"] == []
    assert {shift["figure"] for shift in one["shifts"]} == {"latency_ms", "workspace_bytes"}


def test_changes_are_carried_once(shifted: Series) -> None:
    carried = trend_payload([shifted, shifted])
    assert carried["changes"] == [("torch 2.13.0+cpu → 2.14.0+cpu",)]
    assert [one["changed"] for one in carried["series"]] == [{10: 0}] * 2


def test_a_shift_has_its_mark_in_the_chart(shifted: Series) -> None:
    (one,) = trend_payload([shifted])["series"]
    assert [shift["mark"] for shift in one["shifts"]] == ["+10%", "+100%"]


def test_what_is_missing_is_null_and_failures_are_named(build) -> None:
    found = build([{}, {"status": Status.CRASHED, "reason": "x"}, {"oracle_error": float("inf")}])
    (one,) = trend_payload(found)["series"]
    assert one["figures"]["latency_ms"] == [1, None, 1]
    assert one["figures"]["oracle_error"] == [1e-7, None, None]
    assert one["failed"] == {1: "crashed"}
    json.dumps(one, allow_nan=False)
