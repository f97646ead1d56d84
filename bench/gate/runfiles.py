"""The run file of each side of a gate: every sample, as a sweep would have written it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.contention import Contention
from bench.course import Course
from bench.gate.blocks import BASE, HEAD, Process
from bench.gate.examine import Examined
from bench.gate.run import Both
from bench.messages import Failure, Finished, Visit
from bench.stopping import stationary
from reports.runwriter import RunWriter
from reports.schema import Environment, Record

NOT_ASKED = Contention(run_ns=0, wait_ns=0, steal_s=0.0, cores_s=0.0)


def write_runs(
    both: Sequence[Both], environments: Mapping[int, Environment], folder: Path
) -> list[Path]:
    """Write `base.jsonl` and `head.jsonl`, of the points that were timed or failed.

    Args:
        environments: of the sides that were measured, `BASE` and `HEAD`.

    Returns:
        Those that have a point in them.

    Raises:
        OSError: the folder cannot be written.
        RunFileError: one of them is there already.
    """
    written = []
    for side, environment in environments.items():
        records = [found for each in both if (found := record(each, side)) is not None]
        if not records:
            continue
        path = folder / f"{NAMES[side]}.jsonl"
        with RunWriter(path, environment) as writer:
            for each in records:
                writer.write(each)
        written.append(path)
    return written


def record(both: Both, side: int) -> Record | None:
    """What a side has of a point; None where it was not measured, or has neither times nor a
    failure."""
    known = both.base if side == BASE else both.head
    if not isinstance(known, Examined):
        return None
    course = Course(known.point)
    if isinstance(known.answer, Failure):
        return course.failed(known.answer)
    # Against a stored base both sides of a block are head's.
    own = {side} if isinstance(both.base, Examined) else {BASE, HEAD}
    course.prepared = known.answer
    course.visits = [
        _visit(process, timed.started)
        for timed in both.blocks
        for process in timed.processes
        if process.side in own
    ]
    course.wall_s = sum(visit.sampling_s for visit in course.visits)
    return course.finished(Finished(), target=TARGET, why="time") if course.visits else None


NAMES = {BASE: "base", HEAD: "head"}
TARGET = 0.01
"""What a sweep aims at: a gate stops by its number of blocks, whatever the precision is then."""


def _visit(process: Process, started: int) -> Visit:
    """The turns of one process: what lay between them was other processes' turns."""
    return Visit(
        round=started,
        samples_ms=process.samples_ms,
        sampling_s=sum(process.samples_ms) / 1e3,
        warmup_ms=sum(process.warmup_ms),
        warmup_calls=len(process.warmup_ms),
        stationary=stationary([*process.warmup_ms, *process.samples_ms]),
        contention=NOT_ASKED,
    )
