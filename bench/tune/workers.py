"""The processes of a tuning: each races one length and, before that, confirmed the one before."""

from __future__ import annotations

from time import monotonic
from types import TracebackType
from typing import Literal, Self

from bench.messages import Answer, Do
from bench.spec import SweepSpec
from bench.supervisor import Supervisor
from reports.schema import Point


class Workers:
    """One process at a time, its threads bound to their cores: of calls that are compared within a
    few percent, where the kernel puts a thread is most of the noise. Use it in a `with` block."""

    def __init__(self, spec: SweepSpec) -> None:
        self._supervisor = Supervisor(
            spec.plugin,
            seconds=spec.seconds,
            timeout=spec.timeout,
            allocator=spec.allocator[0],
            wait_policy=spec.wait_policy[0],
            bound=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._supervisor:
            pass  # it ends, and its log is closed

    def ask(self, do: Do, point: Point) -> Answer:
        """Have something done with a point."""
        return self._supervisor.ask(do, point)

    def ask_timed(
        self, do: Literal["prepare", "visit", "finish"], point: Point
    ) -> tuple[Answer, float]:
        """The same with the seconds that it took, less those of a worker's start."""
        start = monotonic()
        answer = self._supervisor.ask(do, point)
        return answer, monotonic() - start - self._supervisor.starting_s

    def renew(self, point: Point) -> None:
        """Have the next question answered by a fresh process, which starts now.

        Args:
            point: one that it will be asked about.
        """
        self._supervisor.end()
        self._supervisor.start(point)
