"""What the selftest found: its checks, the verdict, and both as a table and in words."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reports.figures import Model
from reports.schema import Noise

NOISE_LIMIT = 0.05
"""Two measurements of one point that lie farther apart are of little use: most differences that
anyone asks about are smaller."""


class Check(Model):
    """One thing that was checked."""

    name: str
    found: str
    """The figure, in words; why there is none, where the check itself failed."""
    limit: str
    passed: bool
    of: Literal["machine", "harness"] = "machine"
    """What it says something about: figures are wrong or noisy where the machine fails, and only
    slow to come where the harness does."""


class Report(Model):
    """All checks of one device."""

    measured_at: datetime
    device: str
    device_name: str
    checks: list[Check]
    noise: Noise | None
    """None where it could not be measured."""
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether all checks passed."""
        return not self._failed("machine") + self._failed("harness")

    @property
    def fit(self) -> bool:
        """Whether this machine is fit to measure on: the harness's own overhead has no say."""
        return not self._failed("machine")

    def table(self) -> RenderableType:
        """The checks, and below them the verdict in words."""
        title = Text(f"Selftest on {self.device} ({self.device_name}), {self.seconds:.0f} s")
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
        for header in ("check", "found", "limit", ""):
            table.add_column(header, overflow="fold")
        for check in self.checks:
            word = Text("pass", "green") if check.passed else Text("FAIL", "bold red")
            table.add_row(Text(check.name), Text(check.found), Text(check.limit), word)
        return Group(table, Text(f"\n{self.verdict()}"))

    def verdict(self) -> str:
        """In words, whether this machine is fit to measure on, and what its figures are worth."""
        sentences = [self._fitness()]
        if slow := self._failed("harness"):
            sentences.append(
                f"The harness takes more of a sweep's time than it should ({', '.join(slow)}): "
                "sweeps take longer, and their figures are as good."
            )
        if self.noise is not None:
            sentences.append(
                f"The noise floor is {self.noise.spread:.1%}: differences below that are not "
                "differences."
            )
        return " ".join(sentences)

    def _fitness(self) -> str:
        if self.fit:
            return "This machine is fit to measure on."
        return (
            "This machine is not fit to measure on as it is now: "
            f"{', '.join(self._failed('machine'))}. Other work on it, a hypervisor that shares its "
            "cores, or clocks that change are the usual causes."
        )

    def _failed(self, of: Literal["machine", "harness"]) -> list[str]:
        return [check.name for check in self.checks if check.of == of and not check.passed]
