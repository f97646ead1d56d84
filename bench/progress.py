"""What a user sees while a sweep runs: a bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

import variants
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


class Display:
    """Shows a sweep; use it in a `with` block around `bench.sweep.run`.

    Args:
        todo: how many points are about to be measured.
        done: how many others are in the run file already.
        console: where to; a bar only if it is a terminal.
    """

    def __init__(self, todo: int, done: int, console: Console) -> None:
        self._console = console
        self._total = done + todo
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

    def say(self, sentence: str) -> None:
        """Something about the sweep as a whole."""
        self._print(sentence)

    def watch(self, point: Point) -> None:
        """Show what is being worked on."""
        self._bar.update(self._task, description=label(point))

    def finish(self, record: Record, seconds_left: float | None) -> None:
        """Count a point; on a terminal only what failed leaves a line."""
        self._done += 1
        self._total = max(self._total, self._done)  # a refinement adds points as it goes
        words = "" if seconds_left is None else f"about {_duration(seconds_left)} left"
        self._bar.update(self._task, advance=1, total=self._total, left=words)
        if not self._console.is_terminal:
            self._print(f"{self._done}/{self._total} {label(record.point)}: {outcome(record)}")
        elif record.status not in (Status.OK, Status.UNSUPPORTED, Status.LEFT_OUT):
            self._print(f"{label(record.point)}: {outcome(record)}")

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
