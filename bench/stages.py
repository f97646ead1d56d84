"""What a user sees of work in stages: a bar on a terminal, a line a stage anywhere else."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.progress import label
from reports.schema import Point


class Stages:
    """Shows them; use it in a `with` block around the work."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[point]}"),
            console=console,
            disable=not console.is_terminal,
            # Each refresh takes a core from a worker for a moment; the clock needs no more.
            refresh_per_second=1,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, point="")

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

    def begin(self, what: str, steps: int) -> None:
        """A stage begins, of so many steps."""
        self._bar.remove_task(self._task)
        self._task = self._bar.add_task(what, total=steps, point="")
        if not self._console.is_terminal:
            self._console.print(f"{what}: {steps} measurements", highlight=False)

    def watch(self, point: Point) -> None:
        """One of them is this point."""
        self._bar.update(self._task, advance=1, point=label(point))
