"""From what was found of each point to one outcome, and to the exit code that a CI acts on."""

from __future__ import annotations

from collections.abc import Sequence

from reports.gate.result import Change, Exact, Outcome, PointResult, Timing, Verdict

NOTHING_WORSE, SOMETHING_WORSE, NOT_SETTLED = 0, 1, 3
"""Exit codes. 2 is a mistake in the call or the set-up, as of every command."""


def point_outcome(exact: Sequence[Exact], timing: Timing | None, advisory: str) -> Outcome:
    """The outcome of one point.

    Args:
        exact: of `reports.gate.exact.exact_figures`. Where base has none of them the point is new.
        timing: None where it was not timed.
        advisory: why timings fail nothing; empty if they do. An advisory timing leaves nothing
            unsure either, since more blocks would not make it count.
    """
    if any(figure.change is Change.WORSE for figure in exact):
        return Outcome.FAILED
    if all(figure.base is None for figure in exact) and timing is None:
        return Outcome.NEW
    if timing is not None and not advisory:
        if timing.verdict is Verdict.SLOWER:
            return Outcome.FAILED
        if timing.verdict is Verdict.UNSURE:
            return Outcome.UNSURE
    return Outcome.PASSED


def whole_outcome(points: Sequence[PointResult]) -> Outcome:
    """The outcome of a gate: the gravest of its points'. `NEW` where there was nothing to compare
    with, of any point."""
    found = {point.outcome for point in points}
    for gravest in (Outcome.FAILED, Outcome.UNSURE, Outcome.PASSED):
        if gravest in found:
            return gravest
    return Outcome.NEW


def exit_code(outcome: Outcome, strict: bool) -> int:
    """What the command ends with.

    Args:
        outcome: of the whole gate.
        strict: a point that is not settled is no success.
    """
    if outcome is Outcome.FAILED:
        return SOMETHING_WORSE
    return NOT_SETTLED if strict and outcome is Outcome.UNSURE else NOTHING_WORSE
