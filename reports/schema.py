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

SCHEMA_VERSION = 2

Scope = Literal["layer", "core"]
Direction = Literal["forward", "forward+backward"]
Cache = Literal["cold", "warm"]
Allocator = Literal["kept", "system"]
WaitPolicy = Literal["passive", "system"]
Order = Literal["interleaved", "sequential"]
StoppedBy = Literal["precision", "stable", "time", "samples"]
OptionValue = bool | int | float | str

Milliseconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Bytes = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Size = Annotated[int, Field(ge=1)]


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


class Latency(Model):
    """Wall time of one call, in milliseconds, and how it was come by.

    Samples are taken in visits: points that will be compared take turns, so that whatever drifts
    (clocks, temperature, other load) hits all alike.
    """

    samples_ms: list[Milliseconds] = Field(min_length=1)
    """Every sample, in the order taken."""
    visits: list[Size] = Field(min_length=1)
    """How many of the samples each visit took, in order; they add up to all."""
    rounds: list[int]
    """When the round of each visit began, in milliseconds since 1970: equal only for points that
    took turns in it."""
    median_ms: Milliseconds
    q1_ms: Milliseconds
    q3_ms: Milliseconds
    low_ms: Milliseconds | None
    """Lower end of the 95% interval of the median; None with too few samples to have one."""
    high_ms: Milliseconds | None
    target: float = Field(gt=0)
    """Half the interval's width, relative to the median, that was asked for."""
    stopped_by: StoppedBy
    """`precision`: the target was reached. `stable`: the spread is known, and shows that the target
    is out of reach in the time allowed. `time`: that time was used up. `samples`: there are as many
    as are taken of any point."""
    build_ms: Milliseconds
    """Making the layer and its inputs, before any call."""
    compile_ms: Milliseconds
    """Compilation, by torch's own account, within the first call; 0 where nothing is compiled."""
    mask_ms: Milliseconds
    """Building the masks that are kept, within the first call; 0 where none is."""
    first_call_ms: Milliseconds
    """The first call: compilation, masks and any lazy initialisation included."""
    capture_ms: Milliseconds = 0.0
    """Capturing the call in a CUDA graph; 0 where that was not asked for."""
    warmup_ms: Milliseconds
    """Calls from the second on, before the first sample and at the start of every visit."""
    warmup_calls: int = Field(ge=1)
    stationary: bool
    """The warm-up ended because its calls took the same time; False: because its time was up."""
    launch_hidden: Share | None = None
    """CUDA only: the share of samples whose kernels were all queued before the first one ran."""
    throttled: list[int] = []
    """CUDA only: which samples (from 0) were taken while the device held its clocks down."""
    cpu_wait: Share | None = None
    """Of the time that the worker's threads could have run, the share they waited for a core."""
    cpu_steal: Share | None = None
    """Of all cores' time, the share that the hypervisor gave to others. Both during samples."""

    @property
    def precision(self) -> float | None:
        """Half the interval's width relative to the median; None without an interval."""
        if self.low_ms is None or self.high_ms is None or not self.median_ms:
            return None
        return (self.high_ms - self.low_ms) / 2 / self.median_ms

    @model_validator(mode="after")
    def _visits_fit_samples(self) -> Self:
        if len(self.rounds) != len(self.visits):
            raise ValueError(f"{len(self.visits)} visits belong to {len(self.rounds)} rounds")
        if sum(self.visits) != len(self.samples_ms):
            raise ValueError(
                f"visits add up to {sum(self.visits)} samples and there are {len(self.samples_ms)}"
            )
        return self


class Memory(Model):
    """Memory of one call, in bytes, from a pass of its own, with no timing."""

    input_bytes: Bytes
    output_bytes: Bytes
    parameter_bytes: Bytes
    workspace_bytes: Bytes
    """The peak above what was resident before the call; holds the output (and gradients)."""
    retained_bytes: Bytes
    """What the call had taken and not given back when its output and gradients were gone; above 0
    at every call is a leak."""
    resident_before_bytes: Bytes | None = None
    """CPU only: the process's resident set before the call, libraries included."""
    resident_peak_bytes: Bytes | None = None
    """CPU only: its peak during the call, as the kernel counts it, in pages."""
    allocated_peak_bytes: Bytes | None = None
    """CUDA only: the caching allocator's peak of allocated memory, less what other points held."""
    reserved_peak_bytes: Bytes | None = None
    """CUDA only: its peak of reserved memory, less the same."""
    process_bytes: Bytes | None = None
    """CUDA only: the whole process's memory on the device after the call, as NVML tells it: context
    and libraries included. None where the driver does not say."""
    source: Literal["cpu allocator events", "cuda caching allocator"]


class Gpu(Model):
    """What NVML said of the device beside the samples."""

    readings: Size
    sm_clock_mhz: tuple[float, float, float]
    """Lowest, median and highest reading of the SM clock."""
    memory_clock_mhz: float
    """Median."""
    temperature_c: float
    """Highest."""
    power_w: float
    """Median."""
    slowdowns: dict[str, int]
    """Why clocks were held down: NVML's reasons, and in how many readings each was active."""
    energy_j: float | None
    """Joules of one call, of the whole device, from its counter; None where it has none."""


class Agreement(Model):
    """How right the output is, and how far it lies from full attention; never mixed."""

    oracle_error: float = Field(ge=0)
    """‖y − y*‖ / ‖y*‖ against the variant's own float64 oracle."""
    oracle_bound: float = Field(ge=0)
    """What the dtype explains: `oracle_error` above it is a wrong answer."""
    oracle_max_error: float = Field(ge=0)
    """max |y − y*|: the largest error of an element."""
    oracle_max_bound: float = Field(ge=0)
    """What the dtype explains of it: `oracle_max_error` above it is a wrong answer."""
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
