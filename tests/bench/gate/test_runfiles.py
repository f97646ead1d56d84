"""The run file of each side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from answers import prepared

from bench.environment import describe
from bench.gate.baseline import Stored
from bench.gate.blocks import BASE, HEAD, Process, Timed
from bench.gate.examine import Examined
from bench.gate.run import Both
from bench.gate.runfiles import record, write_runs
from bench.messages import Failure
from bench.spec import SweepSpec
from reports.gate.result import Block
from reports.runfile import RunFileError, read_run
from reports.schema import Environment, Point, Record, Status


@pytest.fixture
def now() -> Environment:
    return describe("hatrick gate", SweepSpec(), [torch.device("cpu")])


def timed(started: int, base: float, head: float) -> Timed:
    processes = [
        Process(side, [9.0], [ms, ms + 0.1])
        for side, ms in ((BASE, base), (HEAD, head), (HEAD, head), (BASE, base))
    ]
    block = Block(base=(base, base), head=(head, head), base_first=True)
    return Timed(block, started, processes)


@pytest.fixture
def both(make_point: Callable[..., Point]) -> Both:
    known = Examined(make_point(), prepared())
    return Both("full", known, known, [timed(number, 2.0, 3.0) for number in range(3)])


def test_each_side_has_its_own_samples_by_process(both: Both) -> None:
    for side, ms in ((BASE, 2.0), (HEAD, 3.0)):
        found = record(both, side)
        assert found is not None
        assert found.latency is not None
        assert found.latency.samples_ms == [ms, ms + 0.1] * 6
        assert found.latency.visits == [2] * 6
        assert found.latency.rounds == [0, 0, 1, 1, 2, 2]
        assert found.latency.warmup_calls == 6
        assert found.memory == prepared().memory


def test_against_a_stored_base_all_samples_are_heads(both: Both, now: Environment) -> None:
    assert both.head is not None
    stored = Record(
        key=both.head.point.key,
        point=both.head.point,
        status=Status.TIMEOUT,
        reason="late",
        started_at=now.created_at,
        wall_s=1.0,
    )
    both.base = Stored(stored)
    assert record(both, BASE) is None
    found = record(both, HEAD)
    assert found is not None
    assert found.latency is not None
    assert sorted(set(found.latency.samples_ms)) == [2.0, 2.1, 3.0, 3.1]


def test_files_are_written_and_never_overwritten(
    both: Both, now: Environment, tmp_path: Path, make_point: Callable[..., Point]
) -> None:
    failed = Both(
        "it", None, Examined(make_point(seq_len=9), Failure(status=Status.CRASHED, reason="fell"))
    )
    untimed = Both("other", None, Examined(make_point(seq_len=8), prepared()))
    paths = write_runs([both, failed, untimed], {BASE: now, HEAD: now}, tmp_path)
    assert [path.name for path in paths] == ["base.jsonl", "head.jsonl"]
    assert [r.status for r in read_run(paths[0]).records] == [Status.OK]
    assert [r.status for r in read_run(paths[1]).records] == [Status.OK, Status.CRASHED]
    with pytest.raises(RunFileError):
        write_runs([both], {HEAD: now}, tmp_path)


def test_a_side_without_a_point_to_tell_of_has_no_file(
    now: Environment, tmp_path: Path, make_point: Callable[..., Point]
) -> None:
    untimed = Both("it", None, Examined(make_point(), prepared()))
    assert write_runs([untimed], {BASE: now, HEAD: now}, tmp_path) == []
    assert not list(tmp_path.glob("*.jsonl"))
