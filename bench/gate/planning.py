"""Which points each side has, and which belong together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from pydantic import ValidationError

from bench.gate.expanding import Answer, Question
from bench.gate.sides import Code
from bench.points import Planned
from bench.spec import SpecError, SweepSpec
from bench.supervisor import worker_path
from reports.schema import Point
from reports.units import tokens

TIMEOUT_S = 120.0
"""To import torch and a side's code, and to ask each variant what it supports."""
LOG_TAIL = 600
"""Characters of what a side's code printed that a mistake quotes."""


@dataclass(frozen=True)
class Asked:
    """A point of one side, under the name that it has on both."""

    name: str
    """Made of what was asked for alone: `hatrick n=64, T=1k, forward`. What an entry leaves to
    defaults is not in it, for these may differ."""
    planned: Planned


@dataclass(frozen=True)
class Pair:
    """A point on both sides; None where a side does not have it."""

    name: str
    base: Planned | None
    head: Planned | None


def plan_points(spec: SweepSpec, code: Code, *, registered: bool = False) -> list[Asked]:
    """The points that a spec means on one side, by that side's own code, in a process of its own.

    An entry of `spec.variants` that the code does not know is left out if it is lenient, as base
    is. A backend that an entry's variant does not have gives no point of that entry.

    Args:
        spec: what to measure; `spec.plugin` is not read, for each side has plug-ins of its own.
        registered: ask for all that these register, too.

    Raises:
        SpecError: the code does not load, or not all of it comes from that side, or it is not
            lenient and an entry cannot be had.
    """
    question = Question(
        spec=spec.model_dump(mode="json"),
        plugins=list(code.plugins),
        overlay=code.path[0],
        not_from=code.not_from,
        registered=registered,
    )
    answer = _ask(question, code)
    if answer.mistake:
        raise SpecError(f"{_called(code)}: {answer.mistake}")
    if answer.broken:
        raise SpecError(_broken(code, answer.broken))
    if answer.left_out and not code.lenient:
        raise SpecError(next(iter(answer.left_out.values())))
    return [
        Asked(_name(spec, each.entry, each.point), Planned(each.point, each.unsupported))
        for each in answer.points
    ]


def paired(base: Sequence[Asked], head: Sequence[Asked]) -> list[Pair]:
    """The points of both sides by their names, in head's order; what only base has at the end."""
    of_base = {each.name: each.planned for each in base}
    of_head = {each.name: each.planned for each in head}
    names = dict.fromkeys([*of_head, *of_base])
    return [Pair(name, of_base.get(name), of_head.get(name)) for name in names]


def _name(spec: SweepSpec, entry: str, point: Point) -> str:
    chunk = "" if point.chunk_size is None else f" n={point.chunk_size}"
    words = [f"{entry}{chunk}", f"T={tokens(point.seq_len)}", point.direction]
    several: dict[str, Sequence[object]] = {
        point.dtype: spec.dtype,
        point.scope: spec.scope,
        "causal" if point.causal else "not causal": spec.causal,
        f"backend {point.backend}": spec.backend,
        f"allocator {point.allocator}": spec.allocator,
        f"wait policy {point.wait_policy}": spec.wait_policy,
    }
    told = {f"backend {point.backend}"} if f"backend={point.backend}" in entry.split(":") else set()
    words += [word for word, listed in several.items() if len(listed) > 1 and word not in told]
    return ", ".join(words)


def _ask(question: Question, code: Code) -> Answer:
    command = [sys.executable, "-P", "-m", "bench.gate.expanding"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, "PYTHONPATH": worker_path(code.path)},
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(question.model_dump_json().encode(), timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise SpecError(_broken(code, f"nothing came of it within {TIMEOUT_S:g} s")) from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.seek(0)
        printed = " ".join(log.read().decode("utf-8", errors="replace").split())
    try:
        return Answer.model_validate_json(said)
    except ValidationError:
        ended = f"its process ended with {process.returncode} and without an answer"
        tail = f"; it printed: {printed[-LOG_TAIL:]}" if printed else ""
        raise SpecError(_broken(code, ended + tail)) from None


def _called(code: Code) -> str:
    commit = f" ({code.side.commit[:12]})" if code.side.commit else ""
    return f"{'base' if code.lenient else 'head'} {code.side.name}{commit}"


def _broken(code: Code, why: str) -> str:
    """What to say of code that does not load."""
    todo = (
        "choose a base that this version of the harness can run"
        if code.lenient
        else "see that `hatrick variants` works in the working tree"
    )
    return f"{_called(code)}: its code does not load: {why}; {todo}"
