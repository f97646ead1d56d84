from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import torch

from bench import environment
from bench.resume import done_keys, newest_run, resumable
from bench.spec import SpecError, SweepSpec
from reports.runfile import key_on_any, read_run
from reports.runwriter import RunWriter
from reports.schema import Environment, Point, Record, Status

MakePoint = Callable[..., Point]
SWEEP = SweepSpec(dim=8)
SPEC = SWEEP.model_dump(mode="json")


@pytest.fixture
def now() -> Environment:
    return environment.describe("hatrick sweep", SWEEP, [torch.device("cpu")])


def record(point: Point, status: Status) -> Record:
    return Record(
        key=point.key,
        point=point,
        status=status,
        reason="why",
        started_at=datetime.now(UTC),
        wall_s=0.0,
    )


def write(path: Path, environment: Environment, *records: Record) -> Path:
    with RunWriter(path, environment) as writer:
        for each in records:
            writer.write(each)
    return path


def test_what_another_try_may_mend_is_tried_again(
    now: Environment, make_point: MakePoint, tmp_path: Path
) -> None:
    statuses = [Status.UNSUPPORTED, Status.OUT_OF_MEMORY, Status.CRASHED, Status.TIMEOUT]
    statuses += [Status.LEFT_OUT]
    records = [record(make_point(seed=seed), status) for seed, status in enumerate(statuses)]
    path = write(tmp_path / "run.jsonl", now, *records)
    assert done_keys(read_run(path)) == {key_on_any(each.point) for each in records[:2]}


def test_the_last_try_counts(now: Environment, make_point: MakePoint, tmp_path: Path) -> None:
    point = make_point()
    tries = [record(point, Status.CRASHED), record(point, Status.OUT_OF_MEMORY)]
    path = write(tmp_path / "run.jsonl", now, *tries)
    assert done_keys(read_run(path)) == {key_on_any(point)}


def test_another_device_may_have_done_it(
    now: Environment, make_point: MakePoint, tmp_path: Path
) -> None:
    first, second = (make_point(device=f"cuda:{index}") for index in range(2))
    tries = [record(first, Status.LEFT_OUT), record(second, Status.OUT_OF_MEMORY)]
    path = write(tmp_path / "run.jsonl", now, *tries)
    assert done_keys(read_run(path)) == {key_on_any(first)}


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"packages": {"torch": "1.0"}}, ["packages torch was '1.0' and is"]),
        ({"code": "abc"}, ["code was 'abc'"]),
        ({"threads": 99}, ["threads was 99"]),
        ({"host": "elsewhere"}, ["host was 'elsewhere' and is"]),
        ({"os": "Linux 1.0"}, ["os was 'Linux 1.0' and is"]),
        ({"cpu": "Z80"}, ["cpu was 'Z80' and is"]),
        ({"cpu_cores": 99}, ["cpu_cores was 99 and is"]),
        ({"memory_bytes": 65536}, ["memory_bytes was 65536 and is"]),
        ({"devices": {"cpu": "Z80"}}, ["devices cpu was 'Z80' and is"]),
        ({"driver": "1.2"}, ["driver was '1.2' and is"]),
        ({"cuda": "1.2"}, ["cuda was '1.2' and is"]),
        ({"python": "1.2"}, ["python was '1.2' and is"]),
        ({"variables": {"OMP_PROC_BIND": "true"}}, ["OMP_PROC_BIND was 'true' and is None"]),
        ({"spec": SPEC | {"dim": 16}}, ["sweep's dim was 16 and is 8"]),
    ],
)
def test_a_run_made_otherwise_is_not_gone_on_with(
    now: Environment, tmp_path: Path, changes: dict[str, Any], parts: list[str]
) -> None:
    path = write(tmp_path / "run.jsonl", now.model_copy(update=changes))
    with pytest.raises(SpecError) as caught:
        resumable(path, now)
    for part in [*parts, str(path), "--out"]:
        assert part in str(caught.value)


def test_what_changes_no_number_may_change(now: Environment, tmp_path: Path) -> None:
    spec = SPEC | {
        "timeout": 5.0,
        "out": "run.jsonl",
        "budget": 60.0,
        "force": True,
        "refine": "crossovers",
    }
    changes = {"spec": spec, "git_commit": "abc", "git_dirty": True}
    changes |= {"noise": None, "run_id": "abc", "command": "hatrick sweep --resume"}
    path = write(tmp_path / "run.jsonl", now.model_copy(update=changes))
    assert resumable(path, now).path == path


def test_the_newest_run_of_this_sweep_is_found(now: Environment, tmp_path: Path) -> None:
    old = now.model_copy(update={"created_at": now.created_at - timedelta(days=1)})
    other = now.model_copy(update={"spec": SPEC | {"dim": 99}})
    write(tmp_path / "b-old.jsonl", old)
    newest = write(tmp_path / "a-new.jsonl", now)
    write(tmp_path / "z-other.jsonl", other)
    (tmp_path / "zz-foreign.jsonl").write_text('{"some": "thing"}\n')
    assert newest_run(tmp_path, now) == newest


def test_no_run_of_this_sweep(now: Environment, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="holds no run of this very sweep"):
        newest_run(tmp_path, now)
