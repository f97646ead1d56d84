"""The gate tried on code that is known to be the same, slower, wasteful or wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from bench.device import model_name, resolve_all
from bench.gate.compare import compare_codes
from bench.gate.faults import SLOWER
from bench.gate.request import Request, request
from bench.gate.run import Watcher
from bench.gate.sides import Code, head_code
from bench.selftest.report import Check, Report
from bench.spec import SpecError
from reports.gate.result import Change, Outcome, PointResult, Result, Side, Verdict
from reports.gate.words import headline
from reports.schema import Status

FAULTS = "bench.gate.faults"
SPOILT = "hatrick"


def run_selftest(
    flags: Mapping[str, Any], file: Path | None, folder: Path, watcher: Watcher
) -> Report:
    """Compare the working tree with itself, and with itself spoilt in three ways.

    Args:
        flags: keys of a spec; forward alone is measured, which is what is spoilt.

    Raises:
        SpecError: a mistake in them.
    """
    start, began = monotonic(), datetime.now(UTC)
    timed = _request(flags, file, folder, exact=False)
    exact = _request(flags, file, folder, exact=True)
    device = resolve_all(timed.spec.device)[0]
    added = SLOWER[device.type]
    if SPOILT not in timed.spec.variants:
        raise SpecError(
            f"--selftest spoils {SPOILT}, which is not among {', '.join(timed.spec.variants)}: "
            "name it in --variants"
        )
    head = head_code(timed.spec.plugin, folder)

    def against(fault: str, wanted: Request) -> Result:
        return compare_codes(wanted, head, spoilt(wanted, fault), watcher).result

    checks = [
        _check(
            "nothing is flagged where nothing has changed",
            compare_codes(timed, head, head, watcher).result,
            lambda points: not any(_is_flagged(point) for point in points),
        ),
        _check(
            f"a slowdown of {added:.0%} is caught, and nothing else is called slower",
            against("slower", timed),
            lambda points: all(_is_slower(point) == _is_spoilt(point) for point in points),
        ),
        _check(
            "an extra copy is caught",
            against("copies", exact),
            lambda points: all(_grew(point) == _is_spoilt(point) for point in points),
        ),
        _check(
            "a wrong element is caught",
            against("wrong", exact),
            lambda points: all(_disagrees(point) == _is_spoilt(point) for point in points),
        ),
    ]
    return Report(
        measured_at=began,
        device=str(device),
        device_name=model_name(device),
        checks=checks,
        noise=None,
        seconds=monotonic() - start,
    )


def spoilt(request: Request, fault: str) -> Code:
    """The working tree's code with a fault put into HATrick's source."""
    code = head_code(request.spec.plugin, request.folder)
    source = code.path[0] / "variants" / f"{SPOILT}.py"
    with source.open("a", encoding="utf-8") as file:
        file.write(f"\n\nfrom {FAULTS}.{fault} import spoil\n\nspoil(HATrickVariant)\n")
    return replace(code, side=Side(name=f"working tree, {fault}"))


def _request(flags: Mapping[str, Any], file: Path | None, folder: Path, *, exact: bool) -> Request:
    given = {**flags, "direction": "forward"}
    return request(
        given,
        file,
        command="hatrick gate --selftest",
        base=None,
        baseline=None,
        allow=None,
        limit=None,
        rate=0.05,
        blocks=6,
        exact=exact,
        settle=not exact,
        folder=folder,
    )


def _check(name: str, result: Result, is_right: Callable[[Sequence[PointResult]], bool]) -> Check:
    return Check(name=name, found=headline(result), limit="", passed=is_right(result.points))


def _is_spoilt(point: PointResult) -> bool:
    return point.head is not None and point.head.variant == SPOILT


def _is_flagged(point: PointResult) -> bool:
    is_faster = point.timing is not None and point.timing.verdict is Verdict.FASTER
    return point.outcome is Outcome.FAILED or is_faster


def _is_slower(point: PointResult) -> bool:
    return point.timing is not None and point.timing.verdict is Verdict.SLOWER


def _grew(point: PointResult) -> bool:
    return any(
        figure.change is Change.WORSE
        for figure in point.exact
        if figure.name in ("operators", "workspace", "kernel launches")
    )


def _disagrees(point: PointResult) -> bool:
    return point.head_status is Status.DISAGREES
