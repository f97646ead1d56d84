"""A sweep: from its spec to its run file, one record at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from bench import environment
from bench.points import Planned, expand, load_plugins
from bench.resume import done_keys, newest_run, resumable
from bench.spec import SpecError, SweepSpec
from bench.supervisor import Supervisor
from reports.runfile import RunWriter
from reports.schema import Environment, Point, Record, Status

RESULTS = Path("results")


class Progress(Protocol):
    """Who is told how a sweep goes."""

    def start(self, point: Point) -> None:
        """A point is about to be measured."""

    def finish(self, record: Record) -> None:
        """A point's record is on the disk."""


@dataclass(frozen=True)
class Plan:
    """What a sweep will do; nothing has been written yet."""

    spec: SweepSpec
    path: Path
    """The run file."""
    environment: Environment
    todo: list[Planned]
    done: int
    """Points that the run file has already."""
    resumes: bool
    """The run file exists."""


def plan(spec: SweepSpec, *, preset: str, command: str, resume: bool) -> Plan:
    """Load the plug-ins, resolve the points and choose the run file.

    With `resume` and a run file that does not exist yet, the sweep starts in it.

    Args:
        preset: names a new run file.
        command: what was typed; kept in the run file.

    Raises:
        SpecError: a plug-in that cannot be loaded, an unknown variant, option, backend or device,
            or a run file that must not be written.
        RunFileError: the file to resume is no run file.
    """
    load_plugins(spec.plugin)
    planned = expand(spec)
    points = [each.point for each in planned]
    now = environment.describe(command, spec, points)
    if spec.out is not None:
        path = Path(spec.out)
    elif resume:
        path = newest_run(RESULTS, now)
    else:
        path = RESULTS / f"{now.created_at:%Y%m%dT%H%M%SZ}-{preset}.jsonl"
    if not path.exists():
        return Plan(spec, path, now, planned, 0, resumes=False)
    if not resume:
        raise SpecError(
            f"{path} exists and is never overwritten; go on in it with --resume, or choose "
            "another --out"
        )
    done = done_keys(resumable(path, now))
    todo = [each for each in planned if each.point.key not in done]
    return Plan(spec, path, now, todo, len(planned) - len(todo), resumes=True)


def run(plan: Plan, progress: Progress) -> None:
    """Measure what is to do; each record is on the disk before the next point starts.

    Raises:
        SpecError: the run file cannot be written, or no further.
    """
    spec = plan.spec
    with (
        _writer(plan) as writer,
        Supervisor(spec.plugin, seconds=spec.seconds, timeout=spec.timeout) as supervisor,
    ):
        for planned in plan.todo:
            progress.start(planned.point)
            record = _unsupported(planned) or supervisor.measure(planned.point)
            try:
                writer.write(record)
            except OSError as error:
                raise SpecError(
                    f"{plan.path} cannot be written any further ({error.strerror}); what was "
                    "measured before is in it: mend that and go on with --resume"
                ) from None
            progress.finish(record)


def exit_code(statuses: Sequence[str]) -> int:
    """0 where every point is ok or unsupported, else 1."""
    return int(any(status not in (Status.OK, Status.UNSUPPORTED) for status in statuses))


def _writer(plan: Plan) -> RunWriter:
    try:
        if plan.resumes:
            return RunWriter.append(plan.path)
        return RunWriter(plan.path, plan.environment)
    except OSError as error:
        raise SpecError(f"{plan.path} cannot be written ({error.strerror})") from None


def _unsupported(planned: Planned) -> Record | None:
    """The record of a point that needs no worker to fail."""
    if not planned.unsupported:
        return None
    return Record(
        key=planned.point.key,
        point=planned.point,
        status=Status.UNSUPPORTED,
        reason=planned.unsupported,
        started_at=datetime.now(UTC),
        wall_s=0.0,
    )
