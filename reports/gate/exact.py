"""What has no noise: status, bytes, counts, agreement. A change of one is a change of the code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from reports import units
from reports.figures import Counts
from reports.gate.result import Change, Exact
from reports.schema import Record, Status
from reports.statuses import GRAVEST

WORKSPACE_TOLERANCE = {"cpu allocator events": 0.0, "cuda caching allocator": 0.01}
"""Relative growth of the workspace that is allowed. On a CPU the allocator's events are summed,
byte for byte. The CUDA allocator rounds every block up, and libraries choose the size of their own
workspaces by what they find free."""
COUNT_TOLERANCE = 0
"""Of FLOPs, operators, kernel launches and graph breaks: they follow from the code alone."""
DISTANCE_TOLERANCE = 0.001
"""Growth of the distance to full attention. In half precision rounding alone is some 1e-3 of an
output; a mask, a bucket or a window that changed moves the distance by far more."""
ERROR_FACTOR = 2.0
"""From here on a growth of the oracle error is spoken of: it is one bit of precision. It fails
nothing, since another order of the same sums can do that, and what the dtype explains is what the
bound is for; above the bound the status is `disagrees`, which fails."""

CountName = Literal["FLOPs", "operators", "kernel launches", "graph breaks"]
MemorySource = Literal["cpu allocator events", "cuda caching allocator"]
_WITH_FIGURES = (Status.OK, Status.THROTTLED)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one side has of a point, without its latency. None: it has no such figure."""

    status: Status
    reason: str
    """Why it is not ok, in words; empty if it is."""
    workspace_bytes: int | None
    memory_source: MemorySource | None
    """What counted the bytes: `reports.figures.Memory.source`."""
    counts: Counts | None
    oracle_error: float | None
    oracle_bound: float | None
    distance_to_full: float | None

    @classmethod
    def from_record(cls, record: Record) -> Self:
        """The figures of a line of a run file."""
        memory, agreement = record.memory, record.agreement
        return cls(
            status=record.status,
            reason=record.reason,
            workspace_bytes=memory.workspace_bytes if memory else None,
            memory_source=memory.source if memory else None,
            counts=record.counts,
            oracle_error=agreement.oracle_error if agreement else None,
            oracle_bound=agreement.oracle_bound if agreement else None,
            distance_to_full=agreement.distance_to_full if agreement else None,
        )


def exact_figures(base: Figures | None, head: Figures | None) -> list[Exact]:
    """Compare what one point has on both sides, figure by figure.

    Where a side gave no figures the status says all: it is the only one compared then. A figure
    that is worse is one that grew by more than its tolerance.

    Args:
        base: None where base does not have the point: of a new point that is fine there is nothing
            to say, and one that is not is told by its status, a wrong answer as worse.
        head: None where head does not have it any more.

    Raises:
        ValueError: neither side has it.
    """
    if base is None and head is None:
        raise ValueError("a point that neither base nor head has cannot be compared")
    if base is None or head is None or not _both_have_figures(base, head):
        return _status_alone(base, head)
    return [
        Exact(name="status", base="ok", head="ok", tolerance="none", change=Change.SAME),
        _workspace(base, head),
        *_counts(base.counts, head.counts),
        _oracle_error(base, head),
        _distance(base.distance_to_full, head.distance_to_full),
    ]


def _both_have_figures(base: Figures, head: Figures) -> bool:
    return base.status in _WITH_FIGURES and head.status in _WITH_FIGURES


def _status_alone(base: Figures | None, head: Figures | None) -> list[Exact]:
    if base is None and head is not None and head.status in _WITH_FIGURES:
        return []
    change, remark = _status_change(base, head)
    return [
        Exact(
            name="status",
            base=base.status.value if base else None,
            head=head.status.value if head else None,
            tolerance="none",
            change=change,
            remark=remark,
        )
    ]


def _status_change(base: Figures | None, head: Figures | None) -> tuple[Change, str]:
    if head is None:
        was_fine = base is not None and base.status in _WITH_FIGURES
        return Change.WORSE if was_fine else Change.SAME, "head does not have this point any more"
    if base is None:
        # What is new may be unsupported or too large here; an answer of it may not be wrong.
        excused = (Status.UNSUPPORTED, Status.OUT_OF_MEMORY, Status.LEFT_OUT)
        return Change.NOT_COUNTED if head.status in excused else Change.WORSE, head.reason
    if head.status in _WITH_FIGURES:
        return Change.BETTER, f"base: {base.reason}"
    if base.status is head.status:
        return Change.SAME, f"on both sides alike: {head.reason}"
    is_worse = base.status in _WITH_FIGURES or _gravity(head.status) < _gravity(base.status)
    return Change.WORSE if is_worse else Change.SAME, head.reason


def _gravity(status: Status) -> int:
    """The place of a failure among all of them, the gravest first."""
    return GRAVEST.index(status)


def _workspace(base: Figures, head: Figures) -> Exact:
    sources = {side.memory_source for side in (base, head)} - {None}
    allowed = max((WORKSPACE_TOLERANCE[source] for source in sources if source), default=0.0)
    before, after = base.workspace_bytes, head.workspace_bytes
    return Exact(
        name="workspace",
        base=before,
        head=after,
        tolerance=units.percent(allowed) if allowed else "none",
        change=_change(before, after, allowed * (before or 0)),
    )


def _counts(base: Counts | None, head: Counts | None) -> list[Exact]:
    fields: dict[CountName, str] = {
        "FLOPs": "flops",
        "operators": "operators",
        "kernel launches": "launches",
        "graph breaks": "graph_breaks",
    }
    found = []
    for name, field in fields.items():
        before, after = getattr(base, field, None), getattr(head, field, None)
        change = _change(before, after, COUNT_TOLERANCE)
        remark = ""
        if field == "graph_breaks" and before is not None and after is None:
            # The gravest of all breaks, and no figure that is merely missing.
            change, remark = Change.WORSE, "torch.compile can do nothing with it any more"
        found.append(
            Exact(
                name=name, base=before, head=after, tolerance="none", change=change, remark=remark
            )
        )
    return found


def _oracle_error(base: Figures, head: Figures) -> Exact:
    before, after, bound = base.oracle_error, head.oracle_error, head.oracle_bound
    change, said = Change.NOT_COUNTED, []
    if before is not None and after is not None:
        change = Change.SAME
        if 0 < ERROR_FACTOR * before < after:
            said.append("it more than doubled, and is within its bound")
    if bound is not None and base.oracle_bound is not None and bound > base.oracle_bound:
        low, high = (units.scientific(value) for value in (base.oracle_bound, bound))
        if low != high:
            said.append(f"the bound itself was {low} and is {high}")
    return Exact(
        name="oracle error",
        base=before,
        head=after,
        tolerance="none known" if bound is None else f"its bound, {units.scientific(bound)}",
        change=change,
        remark="; ".join(said),
    )


def _distance(before: float | None, after: float | None) -> Exact:
    change = _change(before, after, DISTANCE_TOLERANCE)
    moved = change in (Change.BETTER, Change.WORSE)
    return Exact(
        name="distance to full",
        base=before,
        head=after,
        tolerance=f"{DISTANCE_TOLERANCE:g}",
        change=change,
        remark="the function that is computed has changed" if moved else "",
    )


def _change(before: float | None, after: float | None, allowed: float) -> Change:
    """What became of a figure of which less is better.

    Args:
        allowed: how far it may move either way, in its own unit.
    """
    if before is None or after is None:
        return Change.NOT_COUNTED
    if abs(after - before) <= allowed:
        return Change.SAME
    return Change.WORSE if after > before else Change.BETTER
