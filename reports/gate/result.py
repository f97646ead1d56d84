"""What a gate found: one JSON object, from which its table, its page and its exit code are made."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from reports.figures import Model
from reports.schema import Point, Status

Ratio = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0)]


class Verdict(StrEnum):
    """How head compares with base."""

    SAME = "same"
    FASTER = "faster"
    SLOWER = "slower"
    UNSURE = "unsure"
    """The interval spans the limit: more blocks would settle it."""


class Change(StrEnum):
    """What became of an exact figure."""

    SAME = "same"
    """Or within its tolerance."""
    BETTER = "better"
    WORSE = "worse"
    NOT_COUNTED = "not counted"
    """One side has no such figure."""


class Outcome(StrEnum):
    """What is to be said of a point, or of the whole gate."""

    PASSED = "passed"
    FAILED = "failed"
    UNSURE = "unsure"
    NEW = "new"
    """Base does not have it: nothing to compare with."""


class Block(Model):
    """Medians of one point's visits by four fresh processes, in milliseconds."""

    base: tuple[float, float]
    """In the order of the visits; the head's lie between them, or around them."""
    head: tuple[float, float]
    base_first: bool
    """The order was base, head, head, base; else head, base, base, head."""


class Timing(Model):
    """The latency of head relative to base."""

    blocks: list[Block]
    """None of a comparison with a stored baseline."""
    base_ms: float
    """Median over the blocks."""
    head_ms: float
    ratio: Ratio
    """Head over base: above 1, head is slower."""
    low: Ratio
    """Lower end of the ratio's 95% interval; of a point outside the limit it is wider, as wide as
    the false discovery rate asks (FCR: Benjamini and Yekutieli, JASA 100, 2005)."""
    high: Ratio
    null_ratio: Ratio | None
    """The same estimate from processes of one side: what the machine makes of no change at all.
    None of a comparison with a stored baseline."""
    p_slower: float = Field(ge=0, le=1)
    """Against: head is slower by no more than the limit."""
    p_faster: float = Field(ge=0, le=1)
    verdict: Verdict
    limit: Share
    """Relative slowdown that is allowed here: raised to this point's own noise floor, if that is
    higher."""
    more_blocks: int = Field(ge=0)
    """About how many more would settle it; 0 unless `unsure`."""


class Exact(Model):
    """One figure that has no noise, on both sides."""

    name: Literal[
        "status",
        "workspace",
        "FLOPs",
        "operators",
        "kernel launches",
        "graph breaks",
        "oracle error",
        "distance to full",
    ]
    base: float | str | None
    """None: base has no such figure. Sizes are bytes."""
    head: float | str | None
    tolerance: str
    """What growth is allowed, in words."""
    change: Change
    remark: str = ""
    """A sentence, where there is something to say: head's reason for its status, say."""


class PointResult(Model):
    """One point, judged."""

    name: str
    """What tells it from the others: `hatrick n=64, T=1k, forward`."""
    base: Point | None
    """None: base does not have it."""
    head: Point | None
    """None: head does not have it any more."""
    base_status: Status | None
    head_status: Status | None
    exact: list[Exact]
    timing: Timing | None
    """None where it was not timed: see `untimed`."""
    untimed: str = ""
    """Why there is no timing, in words; empty if there is."""
    outcome: Outcome


class Side(Model):
    """One of the two that are compared."""

    name: str
    """What was asked for: `main`, a path, a run file, `working tree`."""
    commit: str = ""
    """Empty where it is no checkout."""
    dirty: bool = False
    """Files differ from that commit."""


class Noise(Model):
    """What the machine makes of no change at all, in the gate's own run."""

    floor: Share
    """Relative difference that the estimates of equal code stay below, but for one run in a
    hundred, over all points together."""
    largest: Share
    """The largest that was seen."""


class Result(Model):
    """What a gate found."""

    type: Literal["gate"] = "gate"
    created_at: datetime
    command: str
    base: Side
    head: Side
    environment: dict[str, Any]
    """Of head's run: what `reports.schema.Environment` holds."""
    asked_limit: Share
    """Relative slowdown that is allowed, as asked for."""
    limit: Share
    """The highest that was used: each point's is raised to its own noise floor, if that is
    higher."""
    rate: Share
    """False discovery rate that is controlled over all points."""
    noise: Noise | None
    """None where nothing was timed."""
    advisory: str = ""
    """Why timings fail nothing, in words; empty if they do."""
    points: list[PointResult]
    notes: list[str] = Field(default_factory=list)
    """Sentences about the gate as a whole: a limit that was raised, a dirty tree."""
    outcome: Outcome
    seconds: float
