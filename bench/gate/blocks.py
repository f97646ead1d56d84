"""Blocks of turns: four fresh processes, two of each side, that measure one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from time import monotonic, time_ns

import numpy as np
from numpy.typing import NDArray

from bench.messages import Failure, Turn
from bench.supervisor import Supervisor
from reports.gate.result import Block
from reports.schema import Point

BASE, HEAD = 0, 1
BASE_FIRST = (BASE, HEAD, HEAD, BASE)
HEAD_FIRST = (HEAD, BASE, BASE, HEAD)
"""Whose process each of the four is, in the order of their turns. Of a drift that is linear in time
nothing is left in the difference of the sides; of one that bends, nothing in one block of either
kind together."""
LEAST_CYCLES = 3
"""Of a point in a block: there is no median of fewer to speak of."""
CLOCK_TICK_MS = 1e-6
"""The clocks count in nanoseconds; a call that they do not see took less than one."""


@dataclass(frozen=True)
class Twins:
    """One point on both sides: what was asked for is the same, the code is not."""

    base: Point
    head: Point


@dataclass(frozen=True)
class Process:
    """What one of the four processes of a block took for a point."""

    side: int
    warmup_ms: list[float] = field(default_factory=list)
    """Samples of its first two turns, which are thrown away."""
    samples_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Timed:
    """What one point took in a block."""

    block: Block
    started: int
    """When its first turn began, in milliseconds since 1970."""
    processes: list[Process]
    """In the order of their turns."""


@dataclass(frozen=True)
class Untimed:
    """Why a point has no times."""

    side: int
    failure: Failure


def measure_block(
    twins: Sequence[Twins],
    start: Callable[[int], Supervisor],
    *,
    base_first: bool,
    seconds: float,
    watch: Callable[[Point], None],
) -> list[Timed | Untimed]:
    """Time points in four processes that are started for it and end with it.

    Args:
        start: makes the supervisor of a process of a side, `BASE` or `HEAD`.
        base_first: whose process takes the first turn.
        seconds: time for each point after its warm-up; `LEAST_CYCLES` cycles may take longer.
        watch: is told the point that is being timed.

    Returns:
        For each of them, in their order, what it took or why it could not be timed.
    """
    sides = BASE_FIRST if base_first else HEAD_FIRST
    with ExitStack() as stack:
        # A worker ends with the thread that started it, so the threads must outlive the workers.
        pool = stack.enter_context(ThreadPoolExecutor(len(sides)))
        workers = [stack.enter_context(start(side)) for side in sides]
        list(pool.map(lambda worker: worker.start(twins[0].head), workers))
        found: list[Timed | Untimed] = []
        for each in twins:
            watch(each.head)
            points = [each.base if side == BASE else each.head for side in sides]
            found.append(_timed(workers, sides, points, base_first, seconds))
        return found


def reduced(logs: NDArray[np.float64], *, base_first: bool) -> Block:
    """What each process takes, from cycles in which each had its turns.

    Of each cycle its mean is taken off, which drifts; of each process the median over the cycles is
    kept, which no single disturbance moves; and put back is the median of the means.

    Args:
        logs: logarithms of milliseconds, `(cycles, 4)`, in the order of the first turns.
    """
    means = logs.mean(axis=1, keepdims=True)
    ms = np.exp(np.median(logs - means, axis=0) + np.median(means)).tolist()
    outer, inner = (ms[0], ms[3]), (ms[1], ms[2])
    base, head = (outer, inner) if base_first else (inner, outer)
    return Block(base=base, head=head, base_first=base_first)


def _timed(
    workers: Sequence[Supervisor],
    sides: Sequence[int],
    points: Sequence[Point],
    base_first: bool,
    seconds: float,
) -> Timed | Untimed:
    """Turns of one point in four processes: in a cycle each has two, there and back again."""
    order = [*range(len(workers)), *reversed(range(len(workers)))]
    processes = [Process(side) for side in sides]
    cycles: list[list[float]] = []
    started, end = time_ns() // 1_000_000, 0.0
    for cycle in count():
        logs = []
        for which in order:
            answer = workers[which].ask("turn", points[which])
            if not isinstance(answer, Turn):
                assert isinstance(answer, Failure), answer
                return Untimed(sides[which], answer)
            logs.append(float(np.log(max(np.median(answer.samples_ms), CLOCK_TICK_MS))))
            own = processes[which]
            (own.samples_ms if cycle else own.warmup_ms).extend(answer.samples_ms)
        if cycle:
            there, back = logs[: len(workers)], logs[: len(workers) - 1 : -1]
            cycles.append([(one + other) / 2 for one, other in zip(there, back, strict=True)])
        else:
            end = monotonic() + seconds
        if cycle >= LEAST_CYCLES and monotonic() >= end:
            break
    return Timed(reduced(np.array(cycles), base_first=base_first), started, processes)
