"""A race among chunk sizes, as a line of a run file: what `hatrick tune` measured of one length.

The clearly slower drop out on the way, so most have few samples: what is known of them is which
others they are slower than. Those at the end of it take turns once more in a fresh process; the one
that is chosen is then measured there like a point of any sweep, and is a record like any other.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reports.figures import Bytes, Milliseconds, Model, Size
from reports.schema import Point, Status

Outcome = Literal["finalist", "slower", "excluded", "failed"]


class Contender(Model):
    """One chunk size."""

    chunk_size: Size
    outcome: Outcome
    """`finalist`: timed again in a fresh process; `slower`: clearly so, and dropped; `excluded`:
    a constraint is not met, so it was not timed; `failed`: it has no times."""
    reason: str = ""
    """Of `excluded` and `failed`, in words; else empty."""
    miss: float | None = Field(default=None, ge=0)
    """Of `excluded`: by which share of its limit it is beyond it; None where that is no number."""
    status: Status = Status.OK
    """Of `failed`: how it did."""
    first_round: int = Field(default=0, ge=0)
    """The race's round in which it was timed first, from 0; its rounds follow each other."""
    rounds_ms: list[list[Milliseconds]] = Field(default_factory=list)
    """The samples of each of its rounds, in the order taken. Contenders take turns in a round."""
    warmup_ms: list[Milliseconds] = Field(default_factory=list)
    """Samples before its first round, thrown away."""
    workspace_bytes: Bytes | None = None
    """None: it could not be counted, as of `failed`."""
    distance_to_full: float | None = Field(default=None, ge=0)
    """Before the oracle was asked, which happens to finalists alone; None where there is none."""
    flops: int | None = Field(default=None, ge=0)
    """The cost model's FLOPs of one call."""

    @model_validator(mode="after")
    def _figures_fit_outcome(self) -> Self:
        if (self.outcome in ("excluded", "failed")) != bool(self.reason):
            raise ValueError(f"a contender that is {self.outcome} has the wrong reason")
        if self.miss is not None and self.outcome != "excluded":
            raise ValueError(f"a contender that is {self.outcome} misses no constraint")
        if (self.outcome == "failed") != (self.status is not Status.OK):
            raise ValueError(f"a contender that is {self.outcome} cannot be {self.status}")
        if self.outcome in ("finalist", "slower") and not self.rounds_ms:
            raise ValueError(f"a contender that is {self.outcome} must have rounds")
        if any(not samples for samples in self.rounds_ms):
            raise ValueError("every round of a contender has samples")
        return self


class Foreseen(Model):
    """A chunk size that was not tried, for the cost model calls it far slower."""

    chunk_size: Size
    times_the_least: float = Field(gt=1)
    """Its predicted cost over that of the chunk size with the least."""


class Heat(Model):
    """The finalists in a fresh process, where all take turns in all rounds."""

    rounds_ms: dict[Annotated[int, Field(ge=1)], list[list[Milliseconds]]]
    """By chunk size: the samples of each round, in the order taken."""
    failed: dict[Annotated[int, Field(ge=1)], str] = Field(default_factory=dict)
    """By chunk size: why one has no rounds here."""

    @model_validator(mode="after")
    def _rounds_are_shared(self) -> Self:
        if len({len(rounds) for rounds in self.rounds_ms.values()}) > 1:
            raise ValueError("all finalists of a heat are in all of its rounds")
        if any(not samples for rounds in self.rounds_ms.values() for samples in rounds):
            raise ValueError("every round of a finalist has samples")
        return self


class Race(Model):
    """What became of the chunk sizes of one length."""

    type: Literal["race"] = "race"
    point: Point
    """Of every contender, but that its chunk size is None here."""
    contenders: list[Contender] = Field(min_length=1)
    """By chunk size, ascending."""
    heats: list[Heat] = Field(default_factory=list)
    """In the order of their processes; a second and third only where they disagree."""
    unraced: list[Size] = Field(default_factory=list)
    """Candidates that stood beside nothing that was left when the neighbours entered."""
    foreseen: list[Foreseen] = Field(default_factory=list)
    started_at: datetime
    wall_s: float = Field(ge=0)
    """Seconds that race and heats took, workers' starts included."""

    @model_validator(mode="after")
    def _contenders_are_ordered(self) -> Self:
        sizes = [contender.chunk_size for contender in self.contenders]
        if sizes != sorted(set(sizes)):
            raise ValueError("contenders stand by chunk size, each once")
        if self.point.chunk_size is not None:
            raise ValueError("a race's point has no chunk size of its own")
        return self

    def point_of(self, chunk_size: int) -> Point:
        """The point of a contender: the key of its records."""
        return self.point.model_copy(update={"chunk_size": chunk_size})
