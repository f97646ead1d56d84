"""What the selftest found: its checks, the verdict, and both as a table and in words."""

from __future__ import annotations

from datetime import datetime

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reports.schema import Model, Noise

NOISE_LIMIT = 0.05
"""Two measurements of one point that lie farther apart are of little use: most differences that
anyone asks about are smaller."""


class Check(Model):
    """One thing that was checked."""

    name: str
    found: str
    """The figure, in words."""
    limit: str
    passed: bool


class Report(Model):
    """All checks of one device."""

    measured_at: datetime
    device: str
    device_name: str
    checks: list[Check]
    noise: Noise
    seconds: float

    @property
    def fit(self) -> bool:
        """Whether this machine is fit to measure on."""
        return all(check.passed for check in self.checks)

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
        floor = (
            f"Its noise floor is {self.noise.spread:.1%}: differences below that are not "
            "differences. Later runs on this machine carry it."
        )
        if self.fit:
            return f"This machine is fit to measure on. {floor}"
        failed = ", ".join(check.name for check in self.checks if not check.passed)
        return (
            f"This machine is not fit to measure on as it is now: {failed}. Other work on it, a "
            f"hypervisor that shares its cores, or clocks that change are the usual causes. {floor}"
        )
