"""A sweep: from its spec to its run file."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import torch

from bench import device as devices
from bench import environment
from bench.crew import Crew
from bench.desk import Desk, Progress
from bench.journal import DiskError, Journal
from bench.points import Planned, expand, load_plugins
from bench.probes.ceilings import CeilingsError, ceilings
from bench.refine import refine
from bench.resume import done_keys, newest_run, resumable
from bench.spec import SpecError, SweepSpec
from reports.runfile import key_on_any, read_run
from reports.runwriter import RunWriter
from reports.schema import Environment, Status

RESULTS = Path("results")
DRIFTS_AFTER_S = 60.0
"""After so long a machine may be faster than it was: what it can do at most is measured again."""


@dataclass(frozen=True)
class Plan:
    """What a sweep will do; nothing has been written yet."""

    spec: SweepSpec
    path: Path
    """The run file."""
    environment: Environment
    devices: list[torch.device]
    """Those that share the points; the points name the first."""
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
    used = devices.resolve_all(spec.device)
    now = environment.describe(command, spec, used)
    if spec.out is not None:
        path = Path(spec.out)
    elif resume:
        path = newest_run(RESULTS, now)
    else:
        path = RESULTS / f"{now.created_at:%Y%m%dT%H%M%SZ}-{preset}.jsonl"
    if not path.exists():
        return Plan(spec, path, now, used, planned, 0, resumes=False)
    if not resume:
        raise SpecError(
            f"{path} exists and is never overwritten; go on in it with --resume, or choose "
            "another --out"
        )
    done = done_keys(resumable(path, now))
    todo = [each for each in planned if key_on_any(each.point) not in done]
    return Plan(spec, path, now, used, todo, len(planned) - len(todo), resumes=True)


def run(plan: Plan, progress: Progress) -> None:
    """Measure what is to do, and what a refinement asks for. A record is on the disk as soon as its
    point is done, and every answer before that is in the journal.

    Raises:
        SpecError: the run file cannot be written.
        DiskError: it, or the journal, cannot be written any further.
        RunFileError: another sweep writes it.
    """
    with ExitStack() as stack:
        writer = stack.enter_context(_writer(plan))
        before = read_run(plan.path)
        journal = Journal(plan.path, resume=plan.resumes, records=before.records)
        stack.enter_context(journal)
        start = monotonic()
        rates = _write_ceilings(plan, writer, progress) if plan.todo else {}
        desk = Desk(plan.spec, plan.todo, plan.devices, writer, progress, before.latest, rates)
        pool = ThreadPoolExecutor(len(plan.devices))
        # In case of an error or Ctrl-C these are undone from the last to the first: no more is
        # handed out, the workers end, and their threads with them.
        stack.callback(pool.shutdown)
        crews = [stack.enter_context(Crew(plan.spec, each, journal, desk)) for each in plan.devices]
        stack.callback(desk.close)

        def work() -> None:
            # In the order in which they end: an error on one device waits for no other.
            for done in as_completed([pool.submit(crew.work) for crew in crews]):
                done.result()

        def measure(more: Sequence[Planned]) -> None:
            desk.take_on(more)
            work()

        work()
        desk.write_left_out()
        if plan.spec.refine == "crossovers":
            refine(plan.spec, lambda: read_run(plan.path), measure, progress.say)
        if monotonic() - start > DRIFTS_AFTER_S:
            _write_ceilings(plan, writer, progress)


def exit_code(statuses: Sequence[str]) -> int:
    """0 where every point is ok, unsupported or left out, else 1."""
    good = (Status.OK, Status.UNSUPPORTED, Status.LEFT_OUT)
    return int(any(status not in good for status in statuses))


def _write_ceilings(plan: Plan, writer: RunWriter, progress: Progress) -> dict[str, float]:
    """Write what the devices can do at most.

    Returns:
        FLOP/s by dtype, of what could be measured.

    Raises:
        DiskError: the disk takes no more.
    """
    rates: dict[str, float] = {}
    for device in plan.devices:
        try:
            found = ceilings(device, plan.spec.dtype)
        except CeilingsError as error:
            progress.say(f"What {device} can do at most could not be measured: {error}")
            continue
        rates |= {ceiling.dtype: ceiling.flops_per_s for ceiling in found}
        try:
            for ceiling in found:
                writer.write(ceiling)
        except OSError as error:
            raise DiskError(plan.path, error) from None
    return rates


def _writer(plan: Plan) -> RunWriter:
    try:
        if plan.resumes:
            return RunWriter.append(plan.path)
        return RunWriter(plan.path, plan.environment)
    except OSError as error:
        raise SpecError(f"{plan.path} cannot be written ({error.strerror})") from None
