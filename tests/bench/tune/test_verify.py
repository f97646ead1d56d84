from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.spec import SpecError
from bench.tune.request import Request
from bench.tune.run import plan
from bench.tune.verify import Chosen, free_path, grid, lengths_to_verify, verify
from reports.runfile import Run, read_run
from reports.schema import Point, Status
from reports.tuning.regret import regret_markdown

Make = Callable[..., Request]


class Silent:
    """Nobody is told."""

    def begin(self, what: str, steps: int) -> None:
        pass

    def watch(self, point: Point) -> None:
        pass


def test_lengths_lie_at_between_and_beyond_those_that_were_tuned() -> None:
    assert lengths_to_verify([2048, 1024]) == {
        512: "beyond",
        1024: "tuned",
        1536: "between",
        2048: "tuned",
        4096: "beyond",
    }
    # No length below the smallest chunk size, and none between two that are next to each other.
    assert lengths_to_verify([17, 18]) == {17: "tuned", 18: "tuned", 36: "beyond"}


def test_the_grid_is_wider_than_a_race_and_all_that_a_user_names(make_request: Make) -> None:
    sizes = [point.chunk_size for point in grid(make_request("4k"), 4096, 64)]
    assert sizes[0] == 16
    assert 4096 not in sizes
    far = [point.chunk_size for point in grid(make_request("4k"), 4096, 4096)]
    assert far == [*sizes, 4096]
    named = make_request("4k", chunk_size="64,4096")
    assert [point.chunk_size for point in grid(named, 4096, 64)] == [64, 4096]


def test_an_earlier_verification_is_left_alone(tmp_path: Path) -> None:
    tuned = tmp_path / "tune.jsonl"
    assert free_path(tuned).name == "tune-verify.jsonl"
    free_path(tuned).touch()
    assert free_path(tuned).name == "tune-verify-2.jsonl"


def test_every_point_of_a_grid_is_measured_by_two_processes(
    make_request: Make, tmp_path: Path
) -> None:
    asked = make_request("64", chunk_size="16,32", seconds="0.01", out=str(tmp_path / "tune.jsonl"))
    tuned = Run(tmp_path / "tune.jsonl", plan(asked, resume=False).environment, [])
    path = tmp_path / "verify.jsonl"
    verify(asked, tuned, {64: Chosen(16, "tuned")}, path, Silent())
    run = read_run(path)
    assert run.damaged == []
    assert run.environment.spec["tune"]["chosen"] == {"64": {"chunk_size": 16, "how": "tuned"}}
    assert run.environment.spec["tune"]["verifies"] == tuned.environment.run_id
    assert sorted(record.point.chunk_size or 0 for record in run.records) == [16, 16, 32, 32]
    assert {record.status for record in run.records} == {Status.OK}
    # The second process began when the first was through.
    starts = [record.latency.rounds[0] for record in run.records]  # type: ignore[union-attr]
    assert max(starts[:2]) < min(starts[2:])
    assert not path.with_name("verify.jsonl.visits").exists()
    assert "The largest regret: tuned" in regret_markdown(run)
    with pytest.raises(SpecError, match="exists and is never overwritten"):
        verify(asked, tuned, {64: Chosen(16, "tuned")}, path, Silent())
