"""Going on where a sweep stopped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.spec import SpecError
from reports.runfile import Run, RunFileError, key_on_any, read_run
from reports.schema import Environment, Status

TRIED_AGAIN = (Status.CRASHED, Status.TIMEOUT, Status.LEFT_OUT, Status.THROTTLED)
"""What a second try, a longer timeout or another budget may mend. All else is final."""
FREE_KEYS = ("out", "timeout", "budget", "force", "refine")
"""Keys of a spec that may change between a sweep and its resumption."""
COMPARED = (
    "host",
    "os",
    "cpu",
    "cpu_cores",
    "memory_bytes",
    "threads",
    "devices",
    "driver",
    "cuda",
    "python",
    "packages",
    "code",
    "variables",
)
"""Fields of the environment that change numbers. A run file has one environment for all its
records, so none of them may differ when it is resumed. Two hosts of one model are two machines:
cooling, memory modules and firmware differ, and a noise floor is of one of them."""


def done_keys(run: Run) -> set[str]:
    """Of the points that need not be measured again, their keys on any device (`key_on_any`)."""
    return {key_on_any(each.point) for each in run.latest if each.status not in TRIED_AGAIN}


def resumable(path: Path, now: Environment) -> Run:
    """Read the run to go on with.

    Raises:
        SpecError: it was made by another sweep or in another environment.
        RunFileError: it is no run file.
    """
    run = read_run(path)
    differing = [
        f"{name} was {before!r} and is {after!r}"
        for name, before, after in _differences(run.environment, now)
    ]
    if differing:
        raise SpecError(
            f"{path} cannot be resumed: {'; '.join(differing)}. "
            "Leave --resume out and choose another --out to measure everything anew"
        )
    return run


def newest_run(folder: Path, now: Environment) -> Path:
    """The newest run file in a folder that was made by the same sweep.

    Raises:
        SpecError: there is none.
    """
    found = []
    for path in folder.glob("*.jsonl"):
        try:
            before = read_run(path).environment
        except RunFileError:
            continue  # somebody else's file
        if _workload(before) == _workload(now):
            found.append((before.created_at, path))
    if not found:
        raise SpecError(
            f"--resume: {folder}/ holds no run of this very sweep; leave --resume out to start "
            "one, or name its file with --out"
        )
    return max(found)[1]


def _workload(environment: Environment) -> dict[str, Any]:
    return {key: value for key, value in environment.spec.items() if key not in FREE_KEYS}


def _differences(before: Environment, now: Environment) -> list[tuple[str, Any, Any]]:
    """What changed: a name, the value then and the value now."""
    sides = []
    for environment in (before, now):
        side = {f"sweep's {key}": value for key, value in _workload(environment).items()}
        for field in COMPARED:
            value = getattr(environment, field)
            if isinstance(value, Mapping):
                side |= {f"{field} {key}": item for key, item in value.items()}
            else:
                side[field] = value
        sides.append(side)
    then, today = sides
    names = dict.fromkeys([*then, *today])
    return [(n, then.get(n), today.get(n)) for n in names if then.get(n) != today.get(n)]
