"""What a run file holds: one environment, then one record a point, whatever happened to it.

Every figure on a page comes from these models. Times are milliseconds, sizes are bytes.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SCHEMA_VERSION = 1

Scope = Literal["layer", "core"]
Direction = Literal["forward", "forward+backward"]
OptionValue = bool | int | float | str

Milliseconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Bytes = Annotated[int, Field(ge=0)]
Size = Annotated[int, Field(ge=1)]


class Status(StrEnum):
    """How a point ended. `ok` carries all figures, `disagrees` its agreement alone, others none."""

    OK = "ok"
    UNSUPPORTED = "unsupported"
    OUT_OF_MEMORY = "out_of_memory"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    DISAGREES = "disagrees"


class Model(BaseModel):
    """A model that refuses keys it does not know, so that a typo is never silently dropped."""

    # JSON has no infinity; without this an infinite error would be written as null, and the
    # record with it could not be read again.
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class Point(Model):
    """One fully resolved measurement: everything that could change its numbers."""

    variant: str
    options: dict[str, OptionValue] = Field(default_factory=dict)
    """What this variant alone has (LSH rounds, window sides), all of them, defaults too."""
    backend: str
    """The backend that was asked for: `auto` or a name."""
    backend_used: str
    """The backend that runs; empty where none is available."""
    scope: Scope
    direction: Direction
    batch: Size
    seq_len: Size
    dim: Size
    heads: Size
    chunk_size: Size | None
    """Visible local keys; None for a variant that has no chunks."""
    causal: bool
    dtype: str
    """torch's name without the prefix: float32, bfloat16, float16, float64."""
    device: str
    """torch's name: cpu, cuda:0."""
    device_name: str
    """The model: what tells an H200 from an A100."""
    seed: int

    @property
    def key(self) -> str:
        """The identity of this point: 16 hex digits, equal only where every field is equal."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Latency(Model):
    """Wall time of one call, in milliseconds."""

    samples_ms: list[Milliseconds] = Field(min_length=1)
    """Every sample, in the order taken."""
    median_ms: Milliseconds
    q1_ms: Milliseconds
    q3_ms: Milliseconds
    low_ms: Milliseconds | None
    """Lower end of the 95% interval of the median; None with too few samples to have one."""
    high_ms: Milliseconds | None
    build_ms: Milliseconds
    """Making the layer and its inputs, before any call."""
    first_call_ms: Milliseconds
    """The first call: includes compilation and any lazy initialisation."""
    warmup_ms: Milliseconds
    """All calls before the first sample, the first one included."""
    warmup_calls: int = Field(ge=1)


class Memory(Model):
    """Memory of one call, in bytes, from a pass of its own."""

    input_bytes: Bytes
    output_bytes: Bytes
    parameter_bytes: Bytes
    workspace_bytes: Bytes
    """The peak above what was resident before the call; holds the output (and gradients)."""
    allocated_peak_bytes: Bytes | None = None
    """CUDA only: the caching allocator's peak of allocated memory."""
    reserved_peak_bytes: Bytes | None = None
    """CUDA only: the caching allocator's peak of reserved memory."""
    source: Literal["cpu allocator events", "cuda caching allocator"]


class Agreement(Model):
    """How right the output is, and how far it lies from full attention; never mixed."""

    oracle_error: float = Field(ge=0)
    """‖y − y*‖ / ‖y*‖ against the variant's own float64 oracle."""
    oracle_bound: float = Field(ge=0)
    """What the dtype explains: `oracle_error` above it is a wrong answer."""
    oracle_rows: Size
    """How many queries of each sequence were compared."""
    oracle: Literal["independent", "self"]
    """`self`: a plug-in without an oracle of its own, compared with itself in float64."""
    distance_to_full: float | None = Field(ge=0)
    """‖y − y_full‖ / ‖y_full − LayerNorm(x)‖ with the same projections: 0 equals full attention,
    1 is as far off as no attention at all. None where the projections cannot be shared."""
    cosine_to_full: float | None = Field(ge=-1.000001, le=1.000001)
    """Cosine between y − LayerNorm(x) and y_full − LayerNorm(x). None as the distance."""


class Record(Model):
    """One point and what became of it. A failure is a record with its reason."""

    type: Literal["record"] = "record"
    key: str
    point: Point
    status: Status
    reason: str = ""
    """Why it is not `ok`, in words; empty if it is."""
    latency: Latency | None = None
    memory: Memory | None = None
    agreement: Agreement | None = None
    flops: int | None = Field(default=None, ge=0)
    """The cost model's FLOPs of one call; a multiply-add is two."""
    model_bytes: int | None = Field(default=None, ge=0)
    """The cost model's bytes to and from memory in one call."""
    started_at: datetime
    wall_s: float = Field(ge=0)
    """Seconds this point took, all probes together."""

    @model_validator(mode="after")
    def _figures_fit_status(self) -> Self:
        figures = {"latency": self.latency, "memory": self.memory, "agreement": self.agreement}
        missing = [name for name, value in figures.items() if value is None]
        present = [name for name, value in figures.items() if value is not None]
        if self.status is Status.OK and missing:
            raise ValueError(f"a record that is ok must have {', '.join(missing)}")
        if self.status is Status.DISAGREES and self.agreement is None:
            raise ValueError("a record that disagrees must have agreement")
        # How fast a wrong answer came is no figure of the variant's, nor how much memory it took.
        allowed = {Status.OK: list(figures), Status.DISAGREES: ["agreement"]}
        forbidden = [name for name in present if name not in allowed.get(self.status, [])]
        if forbidden:
            raise ValueError(
                f"a record with status {self.status} must not have {', '.join(forbidden)}"
            )
        if (self.status is Status.OK) != (self.reason == ""):
            raise ValueError("a record has a reason exactly if it is not ok")
        if self.key != self.point.key:
            raise ValueError(f"key {self.key} is not the key of this point ({self.point.key})")
        return self


class Environment(Model):
    """Where and how a run was made: the first line of its file."""

    type: Literal["environment"] = "environment"
    schema_version: int = SCHEMA_VERSION
    run_id: str
    created_at: datetime
    command: str
    """What was typed, to type again."""
    spec: dict[str, Any]
    """The sweep after presets, file and flags were merged."""
    host: str
    os: str
    cpu: str
    cpu_cores: int
    """Cores this process may use."""
    memory_bytes: Bytes
    threads: int
    """torch's intra-operator threads in the worker."""
    devices: dict[str, str]
    """Model name of every torch device that was measured on."""
    driver: str
    """NVIDIA driver version; empty without one."""
    cuda: str
    """CUDA version torch was built for; empty for a CPU build."""
    python: str
    packages: dict[str, str]
    """Versions of torch, triton, xformers, numpy, pandas, plotly and this package."""
    git_commit: str
    """Commit of the working tree; empty where it is not a checkout."""
    git_dirty: bool
    variables: dict[str, str]
    """Environment variables that change numbers: allocator, threads, CUDA."""
