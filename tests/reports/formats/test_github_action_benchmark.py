"""The JSON of github-action-benchmark, as its own code reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from reports.formats.github_action_benchmark import to_text
from reports.formats.points import name


def test_each_point_has_its_latency_and_its_workspace(
    run: Callable[..., Any], record: Callable[..., Any]
) -> None:
    made = record("hatrick", 1024, median_ms=2.5, workspace=12345)
    entries = json.loads(to_text([run([made, record("full", 512)])]))
    assert len(entries) == 4
    timed, taken, *_ = entries
    assert timed["name"] == f"{name(made.point)}: latency"
    assert (timed["value"], timed["unit"], timed["range"]) == (2.5, "ms", "± 0.05")
    assert timed["extra"].splitlines() == [
        "median of 3 samples",
        "95% interval 2.45 to 2.55 ms",
        "backend sdpa",
        "commit 0123abc",
    ]
    assert taken["name"] == f"{name(made.point)}: workspace"
    assert (taken["value"], taken["unit"]) == (12345, "bytes")


def test_entries_are_what_the_action_accepts(
    run: Callable[..., Any], sweep: Callable[..., Any]
) -> None:
    entries = json.loads(to_text([run(sweep())]))
    assert len({entry["name"] for entry in entries}) == len(entries)
    for entry in entries:
        assert (
            {"name", "unit", "value"} <= entry.keys() <= {"name", "unit", "value", "range", "extra"}
        )
        assert isinstance(entry["value"], float | int)
        assert all(isinstance(entry[key], str) for key in entry.keys() - {"value"})


def test_the_range_reaches_to_the_farther_end_of_the_interval(
    run: Callable[..., Any], record: Callable[..., Any]
) -> None:
    made = record(median_ms=10.0, latency={"low_ms": 9.9, "high_ms": 12.0})
    assert json.loads(to_text([run([made])]))[0]["range"] == "± 2"


def test_without_an_interval_there_is_no_range(
    run: Callable[..., Any], record: Callable[..., Any]
) -> None:
    timed, _ = json.loads(to_text([run([record(interval=False)])]))
    assert "range" not in timed
    assert "interval" not in timed["extra"]


def test_a_commit_with_changes_says_so(run: Callable[..., Any], record: Callable[..., Any]) -> None:
    dirty, none = (
        json.loads(to_text([run([record()], **changes)]))[0]["extra"]
        for changes in ({"git_dirty": True}, {"git_commit": ""})
    )
    assert "commit 0123abc, changed" in dirty
    assert "commit" not in none
