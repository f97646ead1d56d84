"""Where a sweep's groups of points are handed out, and where their records come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from threading import RLock
from time import monotonic
from typing import Protocol

import torch

from bench.budget import choose
from bench.device import memory_bytes
from bench.forecast import Forecast
from bench.journal import DiskError
from bench.points import Planned, groups
from bench.spec import SweepSpec
from reports.runfile import key_on_any
from reports.runwriter import RunWriter
from reports.schema import Point, Record, Status


class Progress(Protocol):
    """Who is told how a sweep goes."""

    def say(self, sentence: str) -> None:
        """Something about the sweep as a whole."""

    def watch(self, point: Point) -> None:
        """A point is being worked on."""

    def finish(self, record: Record, seconds_left: float | None) -> None:
        """A point's record is on the disk; the others will take about so long, if it is known."""


class Closed(Exception):
    """The sweep is over; what comes in late is not taken."""


class Desk:
    """Hands out points that will be compared as one group, short sequences first, and takes the
    records. Several devices may call it at a time.

    Points that cannot be measured become records here: unsupported ones, those that are predicted
    to run out of memory, and those that the time budget has no room for.

    Args:
        todo: the points that need a record.
        devices: those that call it, all of one model.
        writer: takes the records.
        progress: is told.
        records: those that the run file has of the same sweep already; forecasts learn from them.
        rates: FLOP/s of a large matrix product by dtype, for the first forecasts.
    """

    def __init__(
        self,
        spec: SweepSpec,
        todo: Sequence[Planned],
        devices: Sequence[torch.device],
        writer: RunWriter,
        progress: Progress,
        records: Sequence[Record] = (),
        rates: Mapping[str, float] | None = None,
    ) -> None:
        self._spec = spec
        self._writer = writer
        self._progress = progress
        self._capacity = memory_bytes(devices[0])
        self._forecast = Forecast(seconds=spec.seconds, rates=rates)
        for record in records:
            self._forecast.learn(record)
        self._lock = RLock()
        self._closed = False
        self._devices = len(devices)
        self._end = None if spec.budget is None else monotonic() + spec.budget
        self._handed_out: list[tuple[float, list[Point]]] = []
        self.take_on(todo)
        if spec.budget is not None:
            self._say_what_fits(spec.budget)

    def take_on(self, todo: Sequence[Planned]) -> None:
        """Take points on, when those before have their records or are given up."""
        with self._lock:
            self._unsupported = {each.point.key: each for each in todo if each.unsupported}
            runnable = [each.point for each in todo if not each.unsupported]
            self._todo = {key_on_any(point): point for point in runnable}
            self._groups = groups([each.point for each in todo])
            self._left_out: dict[str, Point] = {}

    def next_group(self) -> list[Point] | None:
        """The next points to measure, which must all be measured on one device; None: no more.

        When every group had its turn, what the budget had no room for is looked at again: a sweep
        that is faster than foreseen measures it after all.
        """
        with self._lock:
            while self._groups and not self._closed:
                group = self._groups.pop(0)
                if chosen := self._hand_out(group, self._groups):
                    return chosen
            for group in groups(self._fitting_after_all()):
                if chosen := self._hand_out(group, []):
                    return chosen
            return None

    def write(self, record: Record) -> None:
        """Put a record on the disk, and learn from it.

        Raises:
            DiskError: the disk takes no more; the sweep is over.
            Closed: the sweep is over.
        """
        with self._lock:
            if self._closed:
                raise Closed
            try:
                self._writer.write(record)
            except OSError as error:
                self._closed = True
                raise DiskError(self._writer.path, error) from None
            self._forecast.learn(record)
            self._todo.pop(key_on_any(record.point), None)
            self._progress.finish(record, self._forecast.seconds_left(list(self._todo.values())))

    def watch(self, point: Point) -> None:
        """Tell the user what is being worked on."""
        self._progress.watch(point)

    def close(self) -> None:
        """Hand out no more, and take no more."""
        with self._lock:
            self._closed = True

    def write_left_out(self) -> None:
        """Write the records of the points that the budget had no room for."""
        for point in self._left_out.values():
            needed = f"{self._forecast.seconds(point):.2g} s predicted"
            reason = f"the budget of {self._spec.budget:g} s has no room for it ({needed})"
            self.write(_never_tried(point, Status.LEFT_OUT, reason))

    def _hand_out(self, group: Sequence[Point], others: Sequence[Sequence[Point]]) -> list[Point]:
        """Those of a group that are to be measured now; the rest has its record, or is left out.

        Args:
            others: groups that are still to come, if there is time.
        """
        for point in group:
            self._left_out.pop(point.key, None)
        left = [point for point in group if not self._settled(point)]
        chosen = left if self._end is None else self._within_budget(left, others, self._end)
        keys = {point.key for point in chosen}
        self._left_out |= {point.key: point for point in left if point.key not in keys}
        if chosen:
            self._handed_out.append((monotonic(), chosen))
        return chosen

    def _fitting_after_all(self) -> list[Point]:
        """Of what the budget had no room for, what one device has time for now."""
        if self._end is None or self._closed:
            return []
        self._left_out = {
            key: point for key, point in self._left_out.items() if not self._settled(point)
        }
        left_out = list(self._left_out.values())
        return choose(left_out, self._forecast, self._end - monotonic())[0]

    def _within_budget(
        self, group: list[Point], others: Sequence[Sequence[Point]], end: float
    ) -> list[Point]:
        """Those of a group that there is time for, as things look now."""
        now = monotonic()
        ahead = [point for other in others for point in other if self._may_run(point)]
        seconds = self._devices * (end - now) - self._busy_elsewhere(now, end)
        keys = {point.key for point in choose([*group, *ahead], self._forecast, seconds)[0]}
        # The group must fit into the time of the one device that measures it, too.
        wanted = [point for point in group if point.key in keys]
        return choose(wanted, self._forecast, end - now)[0]

    def _busy_elsewhere(self, now: float, end: float) -> float:
        """Seconds until the end for which other devices have work; who asks for more has none."""
        self._handed_out = [
            (since, group)
            for since, group in self._handed_out
            if any(key_on_any(point) in self._todo for point in group)
        ]
        until = (
            since + sum(map(self._forecast.seconds, group)) for since, group in self._handed_out
        )
        return sum(max(0.0, min(end, each) - now) for each in until)

    def _say_what_fits(self, budget: float) -> None:
        """Say before the start what the budget has room for, as far as can be told."""
        points = [point for group in self._groups for point in group if self._may_run(point)]
        chosen, left = choose(points, self._forecast, self._devices * budget)
        seconds = sum(map(self._forecast.seconds, chosen))
        each = f" on each of {self._devices} devices" if self._devices > 1 else ""
        told = f"The budget of {budget:g} s{each} has room for {len(chosen)} of {len(points)}"
        together = " together" if each else ""
        self._progress.say(f"{told} points, predicted to take {seconds:.0f} s{together}.")
        if left:
            lengths = ", ".join(str(T) for T in sorted({point.seq_len for point in left}))
            self._progress.say(f"Left out, as it looks now: {len(left)} points at T = {lengths}.")

    def _may_run(self, point: Point) -> bool:
        """Whether a point would be tried if there were time, as things look now."""
        return point.key not in self._unsupported and not self._does_not_fit(point)

    def _does_not_fit(self, point: Point) -> str:
        """Why a point would run out of memory; empty if it may not, or is to be tried anyway."""
        return "" if self._spec.force else self._forecast.out_of_memory(point, self._capacity)

    def _settled(self, point: Point) -> bool:
        """Whether a point needs no worker: its record is written."""
        if unsupported := self._unsupported.get(point.key):
            self.write(_never_tried(point, Status.UNSUPPORTED, unsupported.unsupported))
            return True
        if reason := self._does_not_fit(point):
            self.write(_never_tried(point, Status.OUT_OF_MEMORY, reason))
            return True
        return False


def _never_tried(point: Point, status: Status, reason: str) -> Record:
    """The record of a point that needed no worker to end so."""
    return Record(
        key=point.key,
        point=point,
        status=status,
        reason=reason,
        predicted=status is Status.OUT_OF_MEMORY,
        started_at=datetime.now(UTC),
        wall_s=0.0,
    )
