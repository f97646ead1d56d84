"""Head against base: another state of the code on this machine, or a stored run."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from uuid import uuid4

from bench import device as devices
from bench import environment
from bench.gate.baseline import Baseline, Stored, check_alike
from bench.gate.blocks import BASE, HEAD
from bench.gate.judgement import point_results
from bench.gate.planning import Pair, paired, plan_points
from bench.gate.request import Request
from bench.gate.run import Both, Gate, Judged, Watcher
from bench.gate.runfiles import record
from bench.gate.sides import Code, base_code, head_code
from bench.spec import SpecError
from reports.gate.outcome import whole_outcome
from reports.gate.result import Result, Side
from reports.gate.stored import judge_stored
from reports.schema import Environment


@dataclass(frozen=True)
class Compared:
    """What a gate found, and what it measured."""

    result: Result
    both: list[Both]
    environments: dict[int, Environment]
    """Of the sides that were measured."""


def compare(request: Request, watcher: Watcher) -> Compared:
    """Compare head with what the request names.

    Raises:
        SpecError: a side that cannot be had or whose code does not load, a baseline that is not
            comparable, nothing to compare.
    """
    head = head_code(request.spec.plugin, request.folder)
    if request.baseline is not None:
        return _with_baseline(request, request.baseline, head, watcher)
    with base_code(request.base, request.spec.plugin, request.folder) as base:
        return compare_codes(request, base, head, watcher)


def compare_codes(request: Request, base: Code, head: Code, watcher: Watcher) -> Compared:
    """Measure two states of the code in turns; errors as `compare`."""
    start = monotonic()
    with ThreadPoolExecutor(2) as pool:
        planned = pool.map(
            lambda code: plan_points(request.spec, code, registered=request.registered),
            (base, head),
        )
        pairs = paired(*planned)
    gate = Gate(base, head, request.spec, request.rules, watcher)
    both = gate.examine(_some(pairs))
    judged = gate.time(both)
    environments = {BASE: _environment(request, base), HEAD: _environment(request, head)}
    result = _result(request, base.side, head.side, both, judged, environments[HEAD], "", start)
    return Compared(result, both, environments)


def _with_baseline(request: Request, baseline: Baseline, head: Code, watcher: Watcher) -> Compared:
    """Measure head twice over, as its own base, which shows this machine's noise, and compare with
    what is stored."""
    start = monotonic()
    now = _environment(request, head)
    timed = request.rules.blocks > 0
    different = check_alike(baseline, now, request.allow, timed=timed)
    planned = [Pair(each.name, None, each.planned) for each in plan_points(request.spec, head)]
    gate = Gate(head, head, request.spec, request.rules, watcher)
    both = gate.examine(_some(planned))
    for each in both:
        assert each.head is not None
        each.base = baseline.find(each.head.point)
    if all(each.base is None for each in both):
        raise SpecError(
            f"--baseline {baseline.run.path} has none of these points; leave flags out that choose "
            "others than it has, or give --base"
        )
    judged = _against(both, gate.time(both), now, request)
    advisory = f"the baseline was measured elsewhere: {'; '.join(different)}" if different else ""
    notes = [f"The baseline was measured elsewhere: {word}." for word in different if not timed]
    if others := baseline.others([each.head.point for each in both if each.head]):
        notes.append(f"{others} points of the baseline were not asked for, and are not compared.")
    result = _result(
        request, baseline.side, head.side, both, judged, now, advisory if timed else "", start
    )
    noted = result.model_copy(update={"notes": [*result.notes, *notes]})
    return Compared(noted, both, {HEAD: now})


def _against(both: Sequence[Both], judged: Judged, now: Environment, request: Request) -> Judged:
    """Head's times against the stored ones, in place of those against itself."""
    # Two runs of one point differ by more than its turns within one run.
    limit = max(judged.limit, now.noise.spread if now.noise else 0.0)
    pairs = {}
    for each in both:
        measured = record(each, HEAD)
        stored = each.base.record.latency if isinstance(each.base, Stored) else None
        if measured and measured.latency and stored:
            pairs[each.name] = (stored, measured.latency)
    timings = judge_stored(list(pairs.values()), limit=limit, rate=request.rules.rate)
    return Judged(dict(zip(pairs, timings, strict=True)), judged.noise, limit)


def _some(pairs: Sequence[Pair]) -> Sequence[Pair]:
    if not pairs:
        raise SpecError("there is no point to compare; `hatrick variants` lists what runs here")
    return pairs


def _environment(request: Request, code: Code) -> Environment:
    """Where and how a side is measured: this machine, and that side's code."""
    used = devices.resolve_all(request.spec.device)
    spec = request.spec.model_copy(update={"plugin": list(code.plugins)})
    described = environment.describe(request.command, spec, used)
    return described.model_copy(
        update={
            "run_id": uuid4().hex[:12],
            "git_commit": code.side.commit,
            "git_dirty": code.side.dirty,
            "code": environment.code_digest(code.path[0]),
            "variables": (environment.BOUND if request.rules.blocks else {}) | described.variables,
        }
    )


def _result(
    request: Request,
    base: Side,
    head: Side,
    both: Sequence[Both],
    judged: Judged,
    now: Environment,
    advisory: str,
    start: float,
) -> Result:
    points = point_results(both, judged, advisory)
    return Result(
        created_at=datetime.now(UTC),
        command=request.command,
        base=base,
        head=head,
        environment=now.model_dump(mode="json"),
        asked_limit=request.rules.limit,
        limit=judged.limit,
        rate=request.rules.rate,
        noise=judged.noise,
        advisory=advisory,
        points=points,
        notes=_notes(base, head),
        outcome=whole_outcome(points),
        seconds=monotonic() - start,
    )


def _notes(base: Side, head: Side) -> list[str]:
    if base.commit and base.commit == head.commit and not (base.dirty or head.dirty):
        return ["Base and head are the same commit."]
    if head.dirty:
        return ["The working tree has changes that are not committed; they are in head."]
    return []
