"""What a run file holds: one environment, then one record a point, whatever happened to it, and
what the device could do at most.

Every figure on a page comes from these models. Times are milliseconds, sizes are bytes.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from reports.figures import Agreement, Bytes, Counts, Gpu, Latency, Memory, Model, Size

SCHEMA_VERSION = 5
READABLE_VERSIONS = (2, 3, 4, 5)
"""Files of these are read. 4 has no races, 3 no counts either, and 2 no ceilings; all else is the
same."""

Scope = Literal["layer", "core"]
Direction = Literal["forward", "forward+backward"]
Cache = Literal["cold", "warm"]
Allocator = Literal["kept", "system"]
WaitPolicy = Literal["passive", "system"]
Order = Literal["interleaved", "sequential"]
OptionValue = bool | int | float | str


class Status(StrEnum):
    """How a point ended. `ok` and `throttled` carry all figures, `disagrees` its agreement alone,
    others none."""

    OK = "ok"
    THROTTLED = "throttled"
    """The device held its clocks down for most of the samples, and pausing did not help."""
    UNSUPPORTED = "unsupported"
    OUT_OF_MEMORY = "out_of_memory"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    DISAGREES = "disagrees"
    LEFT_OUT = "left_out"
    """Not tried: the sweep's time budget had no room for it."""


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
    cache: Cache
    """`cold`: the last-level cache is flushed before every call; `warm`: it is left alone."""
    cuda_graph: bool
    """The call is captured once in a CUDA graph, and its replay is timed."""
    allocator: Allocator
    """Of the worker. `kept`: malloc keeps what is freed; `system`: as the environment has it."""
    wait_policy: WaitPolicy
    """Of the worker's idle threads. `passive`: they sleep; `system`: as the environment has it."""
    seed: int

    @property
    def key(self) -> str:
        """The identity of this point: 16 hex digits, equal only where every field is equal."""
        # Every field is of a type that JSON has; a dump by pydantic first would double the time.
        text = json.dumps(self.__dict__, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Record(Model):
    """One point and what became of it. A failure is a record with its reason."""

    type: Literal["record"] = "record"
    key: str
    point: Point
    status: Status
    reason: str = ""
    """Why it is not `ok`, in words; empty if it is."""
    predicted: bool = False
    """The status was foreseen and the point never tried."""
    latency: Latency | None = None
    memory: Memory | None = None
    gpu: Gpu | None = None
    """None on a CPU, or without NVML."""
    agreement: Agreement | None = None
    flops: int | None = Field(default=None, ge=0)
    """The cost model's FLOPs of one call; a multiply-add is two."""
    model_bytes: int | None = Field(default=None, ge=0)
    """The cost model's bytes to and from memory in one call."""
    counts: Counts | None = None
    """None where they were not asked for, and in schemas 2 and 3."""
    started_at: datetime
    wall_s: float = Field(ge=0)
    """Seconds this point took, all probes together."""

    @model_validator(mode="after")
    def _figures_fit_status(self) -> Self:
        figures = {"latency": self.latency, "memory": self.memory, "agreement": self.agreement}
        missing = [name for name, value in figures.items() if value is None]
        present = [name for name, value in figures.items() if value is not None]
        if self.status in (Status.OK, Status.THROTTLED) and missing:
            raise ValueError(f"a record that is {self.status} must have {', '.join(missing)}")
        if self.status is Status.DISAGREES and self.agreement is None:
            raise ValueError("a record that disagrees must have agreement")
        # How fast a wrong answer came is no figure of the variant's, nor how much memory it took.
        everything = list(figures)
        allowed = {Status.OK: everything, Status.THROTTLED: everything}
        allowed[Status.DISAGREES] = ["agreement"]
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


class Ceiling(Model):
    """What a device could do at most while a run was made, by `bench.probes.ceilings`."""

    type: Literal["ceiling"] = "ceiling"
    device: str
    device_name: str
    dtype: str
    started_at: datetime
    product_rows: Size
    """Of the two square matrices that were multiplied."""
    product_ms: list[Annotated[float, Field(gt=0)]] = Field(min_length=1)
    """Every sample of that product."""
    copy_bytes: Size
    """Of the block that was copied: as many are read as written."""
    copy_ms: list[Annotated[float, Field(gt=0)]] = Field(min_length=1)

    @property
    def flops_per_s(self) -> float:
        """The rate of the fastest product: a ceiling is what was reached at best."""
        return 2e3 * self.product_rows**3 / min(self.product_ms)

    @property
    def bytes_per_s(self) -> float:
        """The rate of the fastest copy, reading and writing counted."""
        return 2e3 * self.copy_bytes / min(self.copy_ms)


class Noise(Model):
    """How far two measurements of one point lie apart on this machine, from `hatrick selftest`."""

    measured_at: datetime
    device_name: str
    spread: float = Field(ge=0)
    """The largest of the pairs' relative differences of medians, in fresh processes."""
    pairs: Size
    fit: bool
    """The selftest's verdict: this machine is fit to measure on."""


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
    device_memory: dict[str, Bytes] = Field(default_factory=dict)
    """All memory of each of them. Empty in schema 2."""
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
    code: str
    """Digest of this project's own sources: equal only where every line of them is."""
    noise: Noise | None = None
    """What the last selftest found on this machine and device; None if there was none."""
    variables: dict[str, str]
    """Environment variables that change numbers: allocator, threads, CUDA."""
