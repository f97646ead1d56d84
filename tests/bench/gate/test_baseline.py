"""A stored run as base."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.environment import describe
from bench.gate.baseline import SORTS, Baseline, Stored, check_alike, read_baseline
from bench.points import expand
from bench.spec import SpecError, SweepSpec
from reports.runfile import RunFileError
from reports.runwriter import RunWriter
from reports.schema import Environment, Point, Record, Status

SPEC = SweepSpec(
    variants=["full"], seq_len=[24, 48], dim=16, heads=2, device=["cpu"], chunk_size=[8]
)


def full(seq_len: int, **changes: Any) -> Point:
    """A point of that spec, with changes."""
    (point,) = (each.point for each in expand(SPEC) if each.point.seq_len == 24)
    return point.model_copy(update={"seq_len": seq_len} | changes)


@pytest.fixture
def now() -> Environment:
    return describe("hatrick sweep", SPEC, [torch.device("cpu")])


@pytest.fixture
def stored(tmp_path: Path, now: Environment) -> Callable[..., Path]:
    """Writes a run of two points that ran out of time."""

    def write(**changes: Any) -> Path:
        path = tmp_path / "baseline.jsonl"
        path.unlink(missing_ok=True)
        with RunWriter(path, now.model_copy(update=changes)) as writer:
            for point in map(full, (24, 48)):
                writer.write(
                    Record(
                        key=point.key,
                        point=point,
                        status=Status.TIMEOUT,
                        reason="late",
                        started_at=now.created_at,
                        wall_s=1.0,
                    )
                )
        return path

    return write


def test_a_point_is_found_again_whatever_it_ran_on(stored: Callable[..., Path]) -> None:
    baseline = read_baseline(stored())
    found = baseline.find(full(24, backend_used="plain", device_name="another CPU"))
    assert isinstance(found, Stored)
    assert found.figures.status is Status.TIMEOUT
    assert baseline.find(full(96)) is None
    assert baseline.find(full(24, device="cuda:0")) is None
    assert baseline.others([full(24)]) == 1


def test_its_spec_is_that_of_the_run_and_not_where_it_went(stored: Callable[..., Path]) -> None:
    spec = SPEC.model_copy(update={"out": "elsewhere.jsonl", "budget": 9.0})
    baseline = read_baseline(stored(spec=spec.model_dump(mode="json")))
    assert baseline.spec.seq_len == [24, 48]
    assert (baseline.spec.out, baseline.spec.budget) == (None, None)


def test_one_that_is_cut_off_is_refused(stored: Callable[..., Path]) -> None:
    path = stored()
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SpecError, match=r"cut off after .* make it anew, with `hatrick gate"):
        read_baseline(path)


def test_one_without_points_is_refused(tmp_path: Path, now: Environment) -> None:
    with RunWriter(tmp_path / "empty.jsonl", now):
        pass
    with pytest.raises(SpecError, match="no point in it"):
        read_baseline(tmp_path / "empty.jsonl")


def test_one_of_a_newer_schema_is_refused(stored: Callable[..., Path]) -> None:
    path = stored(schema_version=99)
    with pytest.raises(RunFileError, match="newer version"):
        read_baseline(path)


def test_the_same_machine_is_alike(stored: Callable[..., Path], now: Environment) -> None:
    assert check_alike(read_baseline(stored()), now, [], timed=True) == []


@pytest.mark.parametrize(
    ("sort", "changes"),
    [
        ("device", {"cpu": "another"}),
        ("device", {"devices": {"cuda:0": "another"}}),
        ("threads", {"threads": 99}),
        ("torch", {"packages": {"torch": "1.0"}}),
        ("driver", {"driver": "1"}),
        ("python", {"python": "3.99.1"}),
        ("variables", {"variables": {"OMP_PROC_BIND": "true"}}),
    ],
)
def test_another_machine_is_refused_and_may_be_allowed(
    stored: Callable[..., Path], now: Environment, sort: str, changes: dict[str, Any]
) -> None:
    baseline = read_baseline(stored(**changes))
    with pytest.raises(SpecError, match=rf"was .* and is .* --allow {sort}, and timings are"):
        check_alike(baseline, now, [], timed=True)
    assert check_alike(baseline, now, [sort], timed=True)


def test_exact_figures_do_not_depend_on_the_model_of_the_device(
    stored: Callable[..., Path], now: Environment
) -> None:
    baseline = read_baseline(stored(cpu="another", driver="1"))
    assert check_alike(baseline, now, [], timed=False) == []
    baseline = read_baseline(stored(packages={"torch": "1.0"}))
    with pytest.raises(SpecError, match=r"torch was 1\.0"):
        check_alike(baseline, now, [], timed=False)


def test_what_may_differ_must_be_something(stored: Callable[..., Path], now: Environment) -> None:
    with pytest.raises(SpecError, match=f"no 'colour'; choose from {', '.join(SORTS)}"):
        check_alike(read_baseline(stored()), now, ["colour"], timed=True)


def test_of_a_point_tried_twice_the_last_try_counts(
    stored: Callable[..., Path], now: Environment
) -> None:
    path = stored()
    point = full(24)
    again = Record(
        key=point.key,
        point=point,
        status=Status.CRASHED,
        reason="fell",
        started_at=now.created_at,
        wall_s=1.0,
    )
    with RunWriter.append(path) as writer:
        writer.write(again)
    baseline: Baseline = read_baseline(path)
    found = baseline.find(point)
    assert found is not None
    assert found.figures.status is Status.CRASHED


def test_one_that_was_cut_between_two_lines_is_refused(stored: Callable[..., Path]) -> None:
    path = stored()
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    with pytest.raises(SpecError, match="1 points of its own spec are not in it"):
        read_baseline(path)
