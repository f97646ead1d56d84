"""Where a sweep's groups of points are handed out, and where their records come in."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from threading import RLock
from time import monotonic
from typing import Protocol

import torch

from bench.budget import choose
from bench.device import memory_bytes
from bench.forecast import Forecast, calibrate
from bench.points import Planned, groups
from bench.spec import SpecError, SweepSpec
from reports.runfile import RunWriter
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
    """

    def __init__(
        self,
        spec: SweepSpec,
        todo: Sequence[Planned],
        devices: Sequence[torch.device],
        writer: RunWriter,
        progress: Progress,
    ) -> None:
        self._spec = spec
        self._writer = writer
        self._progress = progress
        self._unsupported = {each.point.key: each for each in todo if each.unsupported}
        self._first = str(devices[0])
        self._todo = {each.point.key: each.point for each in todo if not each.unsupported}
        self._groups = groups([each.point for each in todo])
        self._capacity = memory_bytes(devices[0])
        rates = _rates(devices[0], spec.dtype) if spec.budget is not None else {}
        self._forecast = Forecast(seconds=spec.seconds, rates=rates)
        self._lock = RLock()
        self._closed = False
        self._end = None if spec.budget is None else monotonic() + spec.budget * len(devices)
        self._left_out: dict[str, Point] = {}
        if self._end is not None:
            self._say_what_fits()

    def next_group(self) -> list[Point] | None:
        """The next points to measure, which must all be measured on one device; None: no more."""
        with self._lock:
            while self._groups and not self._closed:
                group = [point for point in self._groups.pop(0) if not self._settled(point)]
                group = self._within_budget(group)
                if group:
                    return group
            return None

    def write(self, record: Record) -> None:
        """Put a record on the disk, and learn from it.

        Raises:
            SpecError: the disk takes no more.
            Closed: the sweep is over.
        """
        with self._lock:
            if self._closed:
                raise Closed
            try:
                self._writer.write(record)
            except OSError as error:
                raise SpecError(
                    f"{self._writer.path} cannot be written any further ({error.strerror}); what "
                    "was measured before is in it: mend that and go on with --resume"
                ) from None
            self._forecast.learn(record)
            self._todo.pop(record.point.model_copy(update={"device": self._first}).key, None)
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

    def _within_budget(self, group: list[Point]) -> list[Point]:
        """Those of a group that there is time for, as things look now."""
        if self._end is None:
            return group
        ahead = [point for later in self._groups for point in later if self._may_run(point)]
        chosen, _ = choose([*group, *ahead], self._forecast, self._end - monotonic())
        keys = {point.key for point in chosen}
        self._left_out |= {point.key: point for point in group if point.key not in keys}
        return [point for point in group if point.key in keys]

    def _say_what_fits(self) -> None:
        """Say before the start what the budget has room for, as far as can be told."""
        points = [point for group in self._groups for point in group if self._may_run(point)]
        chosen, left = choose(points, self._forecast, self._spec.budget or 0.0)
        seconds = sum(map(self._forecast.seconds, chosen))
        told = f"The budget of {self._spec.budget:g} s has room for {len(chosen)} of {len(points)}"
        self._progress.say(f"{told} points, predicted to take {seconds:.0f} s.")
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


def _rates(device: torch.device, dtypes: Sequence[str]) -> dict[str, float]:
    """FLOP/s of a device by dtype, measured in a process of its own: this one must hold nothing of
    the device that the workers will want."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        found = [pool.submit(calibrate, device, getattr(torch, dtype)) for dtype in dtypes]
        return {dtype: rate.result() for dtype, rate in zip(dtypes, found, strict=True)}


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
