"""What the sweep and its workers say to each other: one JSON object a line, each way."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from bench.contention import Contention
from bench.probes.nvml import Reading
from reports.figures import Agreement, Counts, Memory, Milliseconds, Model
from reports.schema import Point, Status

Do = Literal["prepare", "look", "visit", "turn", "finish"]


class Job(Model):
    """What a worker is asked to do with a point.

    `prepare`: build it, call it, count its memory, check its output. `look`: the same, without the
    oracle. `visit`: warm it up and take samples. `turn`: take but a few, one after another with
    other processes or points. `finish`: measure its energy, and forget it. A worker that does not
    hold the point, because it is a new one, builds it first.
    """

    do: Do
    point: Point
    """With the backend that runs in `backend_used`."""
    seconds: float = Field(ge=0)
    """Most sampling time of the point, all visits together."""
    workspace_bytes: int = Field(default=0, ge=0)
    """Of a worker that was not asked to prepare its points: what the largest of them takes."""
    count: bool = False
    """Of `prepare`: count operators, launches and graph breaks too."""


class Prepared(Model):
    """A point that is right and ready to be timed."""

    type: Literal["prepared"] = "prepared"
    started_at: datetime
    build_ms: Milliseconds
    compile_ms: Milliseconds
    mask_ms: Milliseconds
    first_call_ms: Milliseconds
    capture_ms: Milliseconds = 0.0
    memory: Memory
    agreement: Agreement
    flops: int | None
    model_bytes: int | None
    counts: Counts | None = None
    """None where the job did not ask for them, or they failed."""


class Looked(Model):
    """A point that can run; whether it is right was not asked."""

    type: Literal["looked"] = "looked"
    workspace_bytes: int = Field(ge=0)
    distance_to_full: float | None = Field(ge=0)
    """None where its projections cannot be shared with full attention, or it is not finite."""


class Visit(Model):
    """Samples taken one after another."""

    type: Literal["visit"] = "visit"
    round: int = 0
    """When its round began, in milliseconds since 1970; the sweep fills it in."""
    samples_ms: list[Milliseconds] = Field(min_length=1)
    sampling_s: float = Field(ge=0)
    """Wall time of the samples: what lies between the calls included."""
    warmup_ms: Milliseconds
    warmup_calls: int
    stationary: bool
    hidden: int | None = None
    """CUDA only: how many samples had all their kernels queued before the first one ran."""
    throttled: bool = False
    """The device held its clocks down at its start or its end."""
    readings: list[Reading] = Field(default_factory=list)
    """What NVML said at its start and its end."""
    contention: Contention
    """Who else wanted the processor during the samples."""


class Turn(Model):
    """A few samples taken one after another, beside those of other processes."""

    type: Literal["turn"] = "turn"
    samples_ms: list[Milliseconds] = Field(min_length=1)


class Finished(Model):
    """The end of a point: its energy, where the device has a counter."""

    type: Literal["finished"] = "finished"
    energy_j: float | None = None


class Failure(Model):
    """Why there will be no more of a point."""

    type: Literal["failure"] = "failure"
    status: Status
    reason: str
    agreement: Agreement | None = None
    restart: bool = False
    """The worker is not fit to measure another point: its memory or its device is not as before."""


Answer = Prepared | Looked | Visit | Turn | Finished | Failure


class Envelope(Model):
    """An answer, and the number of its job, so that a late one is not taken for the next."""

    job: int
    """How many the worker had been given before."""
    answer: Annotated[Answer, Field(discriminator="type")]
