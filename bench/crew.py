"""The workers of one device, and the rounds they go through."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from time import monotonic
from types import TracebackType
from typing import Literal, Self

import torch

from bench.desk import Closed, Desk
from bench.journal import Journal
from bench.messages import Answer
from bench.rounds import Rounds
from bench.spec import SweepSpec
from bench.supervisor import Supervisor
from reports.schema import Point


class Crew:
    """Measures groups of points on one device until there are no more. Use it in a `with` block.

    Workers differ in what they were started with, the allocator and the wait policy. Only one of
    them works at a time: two would disturb each other.
    """

    def __init__(self, spec: SweepSpec, device: torch.device, journal: Journal, desk: Desk) -> None:
        self._spec = spec
        self._device = device
        self._desk = desk
        self._workers: dict[tuple[str, str], Supervisor] = {}
        self._stack = ExitStack()
        self._rounds = Rounds(
            ask=self._ask,
            renew=self._renew,
            journal=journal,
            write=desk.write,
            watch=desk.watch,
            target=spec.target,
            seconds=spec.seconds,
            order=spec.order,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def work(self) -> None:
        """Measure one group after another, until there is none or the sweep is over."""
        with suppress(Closed):  # whoever ended it says why
            while group := self._desk.next_group():
                self._rounds.measure(
                    [point.model_copy(update={"device": str(self._device)}) for point in group]
                )

    def _ask(self, do: Literal["prepare", "visit", "finish"], point: Point) -> tuple[Answer, float]:
        worker, start = self._worker(point), monotonic()
        answer = worker.ask(do, point)
        return answer, monotonic() - start - worker.starting_s

    def _renew(self, point: Point) -> None:
        self._worker(point).end()

    def _worker(self, point: Point) -> Supervisor:
        which = (point.allocator, point.wait_policy)
        if which not in self._workers:
            supervisor = Supervisor(
                self._spec.plugin,
                seconds=self._spec.seconds,
                timeout=self._spec.timeout,
                allocator=point.allocator,
                wait_policy=point.wait_policy,
                count=self._spec.count,
            )
            self._workers[which] = self._stack.enter_context(supervisor)
        return self._workers[which]
