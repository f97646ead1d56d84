"""Bencher Metric Format: nanoseconds and bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from reports.formats.bencher import to_text
from reports.formats.points import name


def test_latency_is_in_nanoseconds_with_its_interval_and_workspace_in_bytes(
    run: Callable[..., Any], record: Callable[..., Any]
) -> None:
    made = record(median_ms=2.0, spread=0.25, workspace=4096)
    measures = json.loads(to_text([run([made])]))
    assert measures == {
        name(made.point): {
            "latency": {"value": 2e6, "lower_value": 1.5e6, "upper_value": 2.5e6},
            "workspace": {"value": 4096},
        }
    }


def test_without_an_interval_there_are_no_bounds(
    run: Callable[..., Any], record: Callable[..., Any]
) -> None:
    (measures,) = json.loads(to_text([run([record(interval=False)])])).values()
    assert measures["latency"].keys() == {"value"}


def test_every_point_with_figures_is_there_and_its_name_is_short_enough(
    run: Callable[..., Any], sweep: Callable[..., Any]
) -> None:
    made = run(sweep())
    measures = json.loads(to_text([made]))
    assert len(measures) == sum(record.latency is not None for record in made.records)
    for called, measure in measures.items():
        assert len(called) <= 1024
        latency = measure["latency"]
        assert latency["lower_value"] <= latency["value"] <= latency["upper_value"]
        assert latency["value"] == pytest.approx(latency["lower_value"] / 0.98)
