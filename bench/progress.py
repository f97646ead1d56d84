"""What a user sees while a sweep runs: a bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

import variants
from bench.cost import model_cost
from bench.points import Planned
from reports.schema import Point, Record, Status


def label(point: Point) -> str:
    """A point in a few words: `lsh:rounds=1 (sdpa) T 4096, chunk 128, forward, bfloat16`."""
    usual = variants.parse_options(point.variant, {}).model_dump(mode="json")
    options = [f":{name}={v}" for name, v in point.options.items() if v != usual.get(name)]
    backend = f" ({point.backend_used})" if point.backend_used else ""
    chunk = "" if point.chunk_size is None else f", chunk {point.chunk_size}"
    rest = [point.direction, point.dtype]
    rest += ["causal"] * point.causal + ["core"] * (point.scope == "core")
    words = f"{point.variant}{''.join(options)}{backend} T {point.seq_len}{chunk}"
    return ", ".join([words, *rest])


def outcome(record: Record) -> str:
    """A record in a few words: its latency, or its status and why."""
    if record.status is Status.OK and record.latency is not None:
        return f"{record.latency.median_ms:.4g} ms"
    return f"{record.status.value.replace('_', ' ')}: {record.reason}"


class Estimate:
    """Time left, by a straight line through seconds against FLOPs of the points measured so far:
    what every point costs anyway, and what grows with its work."""

    def __init__(self, todo: Sequence[Planned]) -> None:
        self._left = {each.point.key: _flops(each) for each in todo if not each.unsupported}
        self._flops: list[float] = []
        self._seconds: list[float] = []

    def finish(self, record: Record) -> None:
        """Learn from a point."""
        flops = self._left.pop(record.key, None)
        if flops is not None:
            self._flops.append(flops)
            self._seconds.append(record.wall_s)

    def seconds_left(self) -> float | None:
        """None before the first point."""
        if not self._flops:
            return None
        slope, anyway = 0.0, float(np.mean(self._seconds))
        if len(set(self._flops)) > 1:
            slope, anyway = np.polyfit(self._flops, self._seconds, 1)
        return float(sum(max(0.0, anyway + slope * flops) for flops in self._left.values()))


def _flops(planned: Planned) -> float:
    try:
        cost = model_cost(planned.point)
    except Exception:  # a plug-in's own; its point will say so
        return 0.0
    return 0.0 if cost is None else float(cost.flops)


class Display:
    """Shows a sweep; use it in a `with` block around `bench.sweep.run`.

    Args:
        todo: the points about to be measured.
        done: how many others are in the run file already.
        console: where to; a bar only if it is a terminal.
    """

    def __init__(self, todo: Sequence[Planned], done: int, console: Console) -> None:
        self._console = console
        self._estimate = Estimate(todo)
        self._total = done + len(todo)
        self._done = done
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            disable=not console.is_terminal,
            # Each refresh takes a core from the worker for a moment; the clock needs no more.
            refresh_per_second=1,
            transient=True,
        )
        self._task = self._bar.add_task("", total=self._total, completed=done, left="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def start(self, point: Point) -> None:
        """Show what is being measured."""
        self._bar.update(self._task, description=label(point))

    def finish(self, record: Record) -> None:
        """Count a point; on a terminal only what failed leaves a line."""
        self._done += 1
        self._estimate.finish(record)
        left = self._estimate.seconds_left()
        words = "" if left is None else f"about {_duration(left)} left"
        self._bar.update(self._task, advance=1, left=words)
        if not self._console.is_terminal:
            self._print(f"{self._done}/{self._total} {label(record.point)}: {outcome(record)}")
        elif record.status not in (Status.OK, Status.UNSUPPORTED):
            self._print(f"{label(record.point)}: {outcome(record)}")

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
