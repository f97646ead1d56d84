"""The first pass over a side: what can be told of a point without timing it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bench.gate.sides import Code
from bench.messages import Failure, Prepared
from bench.points import Planned
from bench.spec import SweepSpec
from bench.supervisor import Supervisor
from reports.gate.exact import Figures
from reports.schema import Point, Status


class Known(Protocol):
    """What is known of a point of one side."""

    @property
    def point(self) -> Point:
        """The point as that side has it."""

    @property
    def figures(self) -> Figures:
        """What is compared exactly."""


@dataclass(frozen=True)
class Examined:
    """A point that was examined."""

    point: Point
    answer: Prepared | Failure

    @property
    def figures(self) -> Figures:
        """What is compared exactly."""
        answer = self.answer
        if isinstance(answer, Failure):
            agreement = answer.agreement
            return Figures(
                status=answer.status,
                reason=answer.reason,
                workspace_bytes=None,
                memory_source=None,
                counts=None,
                oracle_error=agreement.oracle_error if agreement else None,
                oracle_bound=agreement.oracle_bound if agreement else None,
                distance_to_full=None,
            )
        return Figures(
            status=Status.OK,
            reason="",
            workspace_bytes=answer.memory.workspace_bytes,
            memory_source=answer.memory.source,
            counts=answer.counts,
            oracle_error=answer.agreement.oracle_error,
            oracle_bound=answer.agreement.oracle_bound,
            distance_to_full=answer.agreement.distance_to_full,
        )


class Examiner:
    """Examines points of one side, in a worker that runs its code."""

    def __init__(self, code: Code, spec: SweepSpec, watch: Callable[[Point], None]) -> None:
        self._worker = _supervisor(code, spec, count=True)
        self._watch = watch
        self._ended = False

    def examine(self, planned: Sequence[Planned]) -> list[Examined]:
        """Build each point, call it, check it, and count bytes and operations.

        Returns:
            One for each of them, in their order, up to where it was ended; one that fails is
            examined too.
        """
        found = []
        with self._worker:
            for each in planned:
                if self._ended:
                    break
                found.append(Examined(each.point, _answer(each, self._worker)))
                self._watch(each.point)
        return found

    def end(self) -> None:
        """End it, from another thread; what it was at is lost."""
        self._ended = True
        self._worker.end()


def largest_workspace(examined: Iterable[Known | None]) -> int:
    """The most that a call of points takes, in bytes; 0 where none was counted."""
    return max((each.figures.workspace_bytes or 0 for each in examined if each), default=0)


def timing_worker(code: Code, spec: SweepSpec, workspace_bytes: int) -> Supervisor:
    """A worker that takes turns with others, running a side's code."""
    return _supervisor(code, spec, bound=True, workspace_bytes=workspace_bytes)


def _supervisor(code: Code, spec: SweepSpec, **how: Any) -> Supervisor:
    return Supervisor(
        code.plugins,
        seconds=spec.seconds,
        timeout=spec.timeout,
        allocator=spec.allocator[0],
        wait_policy=spec.wait_policy[0],
        path=code.path,
        **how,
    )


def _answer(planned: Planned, worker: Supervisor) -> Prepared | Failure:
    if planned.unsupported:
        return Failure(status=Status.UNSUPPORTED, reason=planned.unsupported)
    answer = worker.ask("prepare", planned.point)
    assert isinstance(answer, (Prepared, Failure)), answer
    worker.ask("finish", planned.point)  # it is not called again in this process
    return answer
