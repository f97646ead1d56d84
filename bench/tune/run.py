"""A tuning: of every length a race, its heats in fresh processes, and the chosen one measured."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Protocol

from bench import environment
from bench.journal import DiskError, Journal
from bench.resume import resumable
from bench.rounds import Rounds
from bench.spec import SpecError
from bench.tune.race import MOST_ROUNDS, Racer
from bench.tune.request import Request
from bench.tune.workers import Workers
from reports.race import Race
from reports.runfile import Run, read_run
from reports.runwriter import RunWriter
from reports.schema import Environment, Point, Record
from reports.tuning.decision import decisions

RESULTS = Path("results")
MOST_PROCESSES = 3
"""That confirm a race. Each is asked only if the one before it disagreed, or was too noisy."""


class Watcher(Protocol):
    """Who is told how it goes."""

    def begin(self, what: str, steps: int) -> None:
        """A stage begins, of so many steps at most."""

    def watch(self, point: Point) -> None:
        """One of them is this point."""


@dataclass(frozen=True)
class Plan:
    """What will be done; nothing has been written yet."""

    request: Request
    path: Path
    """The run file."""
    environment: Environment
    todo: list[int]
    """Lengths that have no race yet."""
    resumes: bool
    """The run file exists."""


def plan(request: Request, *, resume: bool) -> Plan:
    """Choose the run file, and see which lengths it has already.

    Raises:
        SpecError: the file must not be written, or was made by another tuning.
        RunFileError: the file to resume is no run file.
    """
    now = environment.describe(request.command, request.spec, [request.device])
    now = now.model_copy(update={"spec": now.spec | {"tune": request.recorded}})
    named = request.spec.out
    if resume and named is None:
        raise SpecError("--resume: name the run file to go on in with --out FILE.jsonl")
    path = Path(named) if named else RESULTS / f"{now.created_at:%Y%m%dT%H%M%SZ}-tune.jsonl"
    lengths = request.spec.seq_len
    if not path.exists():
        return Plan(request, path, now, lengths, resumes=False)
    if not resume:
        raise SpecError(
            f"{path} exists and is never overwritten; go on in it with --resume, or choose "
            "another --out"
        )
    done = done_lengths(resumable(path, now))
    return Plan(request, path, now, [T for T in lengths if T not in done], resumes=True)


def done_lengths(run: Run) -> set[int]:
    """Those whose race is over, and whose chosen one was measured."""
    return {each.seq_len for each in decisions(run) if each.checked or each.chunk_size is None}


def tune(plan: Plan, watcher: Watcher) -> None:
    """Race every length, confirm it, and measure what is chosen. What is known is on the disk at
    once: after an interruption only the length that it was at is lost.

    Raises:
        SpecError: the run file cannot be written.
        DiskError: it cannot be written any further.
        RunFileError: another process writes it.
    """
    spec, request = plan.request.spec, plan.request
    with ExitStack() as stack:
        writer = stack.enter_context(_writer(plan))
        journal = stack.enter_context(Journal(plan.path, resume=False))
        if not plan.todo:
            return
        workers = stack.enter_context(Workers(spec))
        rounds = Rounds(
            ask=workers.ask_timed,
            renew=workers.renew,
            journal=journal,
            write=lambda record: put(writer, record),
            watch=watcher.watch,
            target=spec.target,
            seconds=spec.seconds,
            order="interleaved",
        )
        for T in plan.todo:
            start = monotonic()
            candidates = request.points(T)
            watcher.begin(f"T = {T:,}: the race", len(candidates) * MOST_ROUNDS)
            racer = Racer(request, workers.ask, watcher.watch)
            race = racer.race(candidates)
            finalists = [
                race.point_of(each.chunk_size)
                for each in race.contenders
                if each.outcome == "finalist"
            ]
            while finalists and len(race.heats) < MOST_PROCESSES and not _is_confirmed(plan, race):
                name = f"T = {T:,}: {len(finalists)} in a fresh process"
                watcher.begin(name, len(finalists) * MOST_ROUNDS)
                workers.renew(finalists[0])
                race = race.model_copy(update={"heats": [*race.heats, racer.heat(finalists)]})
            put(writer, race.model_copy(update={"wall_s": monotonic() - start}))
            while (chosen := _to_measure(plan.path, T)) is not None:
                watcher.begin(f"T = {T:,}: the chosen one, n = {chosen}", 20)
                rounds.measure([race.point_of(chosen)])


def _is_confirmed(plan: Plan, race: Race) -> bool:
    """Whether the last heat agrees with what was found before it."""
    run = Run(plan.path, plan.environment, [], races=[race])
    return decisions(run)[0].confirmed


def _to_measure(path: Path, seq_len: int) -> int | None:
    """The chunk size that is chosen and was not measured yet; one that was and is wrong is not
    chosen any more."""
    decision = next(each for each in decisions(read_run(path)) if each.seq_len == seq_len)
    return None if decision.checked else decision.chunk_size


def put(writer: RunWriter, line: Record | Race) -> None:
    """Write a line.

    Raises:
        DiskError: the disk does not take it.
    """
    try:
        writer.write(line)
    except OSError as error:
        raise DiskError(writer.path, error) from None


def _writer(plan: Plan) -> RunWriter:
    try:
        if plan.resumes:
            return RunWriter.append(plan.path)
        return RunWriter(plan.path, plan.environment)
    except OSError as error:
        raise SpecError(f"{plan.path} cannot be written ({error.strerror})") from None
