"""A gate's points as rows of text: the same cells for the terminal, for Markdown and for the
page."""

from __future__ import annotations

from dataclasses import dataclass

from reports import units
from reports.gate.result import Change, Outcome, PointResult, Result, Verdict
from reports.gate.words import changes, verdict

HEADERS = ("", "point", "base", "head", "ratio (95% interval)", "verdict")
NUMERIC = ("base", "head")
ORDER = (Outcome.FAILED, Outcome.UNSURE, Outcome.NEW, Outcome.PASSED)
"""What a reader has to act on stands first."""


@dataclass(frozen=True)
class Row:
    """One point, its figures as text."""

    outcome: str
    """Empty where it passed."""
    name: str
    changes: list[str]
    """What is to be said of its exact figures."""
    changed: str
    """The same where a table of its own has the figures: which got worse, and which better."""
    timing: tuple[str, str, str, str]
    """Latency of base and head, ratio with interval, verdict."""
    state: str
    """How to set it: `failed`, `unsure`, `better`, `quiet` or empty."""


def in_order(result: Result) -> list[PointResult]:
    """The points, those that failed first, otherwise in the result's order."""
    return sorted(result.points, key=lambda point: ORDER.index(point.outcome))


def rows(result: Result) -> list[Row]:
    """A row a point, in that order."""
    return [_row(point) for point in in_order(result)]


def _row(point: PointResult) -> Row:
    outcomes = {Outcome.FAILED: "FAILED", Outcome.PASSED: ""}
    return Row(
        outcome=outcomes.get(point.outcome, point.outcome.value),
        name=point.name,
        changes=changes(point),
        changed=_changed(point),
        timing=_timing(point),
        state=_state(point),
    )


def _changed(point: PointResult) -> str:
    kinds = (Change.WORSE, Change.BETTER)
    names = {kind: [one.name for one in point.exact if one.change is kind] for kind in kinds}
    found = [f"{', '.join(names[kind])} {kind}" for kind in kinds if names[kind]]
    return "; ".join(found or changes(point))


def _timing(point: PointResult) -> tuple[str, str, str, str]:
    timing = point.timing
    if timing is None:
        return "", "", "", verdict(point)
    return (
        units.duration(timing.base_ms),
        units.duration(timing.head_ms),
        f"{units.factor(timing.ratio)} {units.span(timing.low, timing.high)}",
        verdict(point),
    )


def _state(point: PointResult) -> str:
    if point.outcome in (Outcome.FAILED, Outcome.UNSURE):
        return point.outcome.value
    if point.outcome is Outcome.NEW or (point.timing and point.timing.verdict is Verdict.SLOWER):
        return ""
    is_faster = point.timing is not None and point.timing.verdict is Verdict.FASTER
    is_better = any(figure.change is Change.BETTER for figure in point.exact)
    return "better" if is_faster or is_better else "quiet"
