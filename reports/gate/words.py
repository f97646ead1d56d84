"""What a gate found, in words: the same for the terminal, Markdown, JUnit and the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from textwrap import shorten

from reports import units
from reports.gate.result import (
    Change,
    Exact,
    Outcome,
    PointResult,
    Result,
    Side,
    Timing,
    Verdict,
)
from reports.schema import Status
from reports.statuses import STATUS_WORDS

NAMED = 3
"""Points that the headline names; of more it says how many."""
NAMED_CHANGES = 2
"""Likewise of what got worse about one of them."""
REASON_CHARACTERS = 300
"""Of a reason, which may be a whole traceback; JSON has it all."""
COMMIT_DIGITS = 12
ARROW = "→"
_IN_WORDS = {
    Outcome.FAILED: "FAILED",
    Outcome.UNSURE: "UNSURE",
    Outcome.PASSED: "PASSED",
    Outcome.NEW: "NEW",
}


def headline(result: Result) -> str:
    """The outcome and what made it so, in a sentence or two."""
    of = {outcome: [p for p in result.points if p.outcome is outcome] for outcome in Outcome}
    word = _IN_WORDS[result.outcome]
    if result.outcome is Outcome.FAILED:
        named = _named(of[Outcome.FAILED], result.advisory)
        return f"{word}: {named}.{_others(result, Outcome.FAILED)}"
    if result.outcome is Outcome.UNSURE:
        named = f"nothing is known to be worse; not settled: {_named(of[Outcome.UNSURE], '')}"
        return f"{word}: {named}.{_others(result, Outcome.UNSURE)}"
    if result.outcome is Outcome.NEW:
        return f"{word}: base has none of the points, so there is nothing to compare with."
    compared = "no exact figure got worse" if _is_untimed(result) else "nothing got worse"
    return f"{word}: {compared}.{_others(result)}"


def worse(point: PointResult, advisory: str) -> list[str]:
    """What got worse about a point, each in a few words.

    Args:
        advisory: why timings fail nothing; empty if they do.
    """
    found = [change(figure) for figure in point.exact if figure.change is Change.WORSE]
    timing = point.timing
    if timing is not None and timing.verdict is Verdict.SLOWER and not advisory:
        return [slowdown(timing), *found]
    return found


def slowdown(timing: Timing) -> str:
    """How many times as long head takes: `1.12× as long (1.08–1.16)`."""
    return f"{units.factor(timing.ratio)} as long {units.span(timing.low, timing.high)}"


def settling(point: PointResult) -> str:
    """What an unsure point would need; empty where that is not known."""
    blocks = point.timing.more_blocks if point.timing else 0
    return f"about {counted(blocks, 'more block')} would settle it" if blocks else ""


def change(figure: Exact) -> str:
    """An exact figure on both sides: `workspace 4.00 MiB → 4.50 MiB (+12%)`."""
    before, after = both(figure)
    remark = f": {brief(figure.remark)}" if figure.remark else ""
    return f"{figure.name} {before} {ARROW} {after}{_growth(figure)}{remark}"


def changes(point: PointResult) -> list[str]:
    """Every exact figure of a point of which something is to be said, each in a few words."""
    found = []
    for figure in point.exact:
        lost = figure.change is Change.NOT_COUNTED and (figure.base is None) != (
            figure.head is None
        )
        if figure.change in (Change.WORSE, Change.BETTER) or lost:
            found.append(change(figure))
        elif figure.remark:
            found.append(f"{figure.name} {both(figure)[1]}: {brief(figure.remark)}")
    return found


def both(figure: Exact) -> tuple[str, str]:
    """A figure on base and on head, in its unit; with all digits where it takes them to tell the
    two apart."""
    before, after = _text(figure.name, figure.base), _text(figure.name, figure.head)
    if figure.name == "workspace" and before == after and figure.base != figure.head:
        return f"{figure.base:,.0f} B", f"{figure.head:,.0f} B"
    return before, after


def side(one: Side) -> str:
    """A side with its commit: `main (0123abc)`."""
    commit = one.commit[:COMMIT_DIGITS] + (", with changes" if one.dirty else "")
    return f"{one.name} ({commit.removeprefix(', ')})" if commit else one.name


def verdict(point: PointResult) -> str:
    """How the latency compares, in a word or two."""
    if point.outcome is Outcome.NEW:
        return "new"
    if point.timing is not None:
        return point.timing.verdict.value
    return "gone" if point.head_status is None else "not timed"


def counted(count: int, noun: str) -> str:
    """`1 point`, `2 points`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def brief(reason: str) -> str:
    """A reason on one line, its end cut off where it is long."""
    return shorten(reason, REASON_CHARACTERS, placeholder=" …")


def _named(points: Sequence[PointResult], advisory: str) -> str:
    """The first points with what is the matter with them."""
    said = [f"{p.name}: {_few(_matters(p, advisory), NAMED_CHANGES)}" for p in points[:NAMED]]
    left = len(points) - NAMED
    return "; ".join([*said, *([f"and {counted(left, 'more point')}"] if left > 0 else [])])


def _few(said: Sequence[str], most: int) -> str:
    left = len(said) - most
    more = [f"and {counted(left, 'more figure')}"] if left > 0 else []
    return ", ".join([*said[:most], *more])


def _matters(point: PointResult, advisory: str) -> list[str]:
    if point.outcome is Outcome.FAILED or point.timing is None:
        return worse(point, advisory)
    return [slowdown(point.timing), *filter(None, [settling(point)])]


def _others(result: Result, named: Outcome | None = None) -> str:
    """How many points there are of every other kind."""
    kinds = Counter(_kind(point) for point in result.points if point.outcome is not named)
    order = (
        "unsure",
        "slower",
        "faster",
        "better",
        "the same",
        "failing on both sides",
        "new",
        "gone",
    )
    found = [f"{kinds[kind]} {kind}" for kind in order if kinds[kind]]
    said = f" {'Of the others' if named else 'Points'}: {', '.join(found)}."
    return said if found else ""


def _kind(point: PointResult) -> str:
    if point.outcome in (Outcome.UNSURE, Outcome.NEW):
        return point.outcome.value
    if point.timing is not None and point.timing.verdict is not Verdict.SAME:
        return point.timing.verdict.value
    if point.head_status is None:
        return "gone"
    if any(figure.change is Change.BETTER for figure in point.exact):
        return "better"
    is_fine = point.head_status in (Status.OK, Status.THROTTLED)
    return "the same" if is_fine else "failing on both sides"


def _is_untimed(result: Result) -> bool:
    return bool(result.advisory) or all(point.timing is None for point in result.points)


def _text(name: str, value: float | str | None) -> str:
    if value is None:
        return "not there" if name == "status" else "not counted"
    if isinstance(value, str):
        return STATUS_WORDS[Status(value)] if value in set(Status) else value
    if name == "workspace":
        return units.size(round(value))
    if name == "oracle error":
        return units.scientific(value)
    if name == "distance to full":
        return units.distance(value)
    return f"{value:,.0f}"


def _growth(figure: Exact) -> str:
    before, after = figure.base, figure.head
    if isinstance(before, str) or isinstance(after, str) or not before or after is None:
        return ""
    sign = "+" if after > before else "−"
    return f" ({sign}{units.percent(abs(after / before - 1))})"
