"""The figures of one point: latency, memory, what the GPU did meanwhile, agreement, and counts.

Times are milliseconds, sizes are bytes.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

StoppedBy = Literal["precision", "stable", "time", "samples"]

Milliseconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Bytes = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Size = Annotated[int, Field(ge=1)]


class Model(BaseModel):
    """A model that refuses keys it does not know, so that a typo is never silently dropped."""

    # JSON has no infinity; without this an infinite error would be written as null, and the
    # record with it could not be read again.
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


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


class Counts(Model):
    """What one call does, counted and not timed: the same on every run of the same code, versions
    and number of threads (by which sliding windows are cut into tiles). None: it could not be
    counted; never a zero or a part instead."""

    flops: Annotated[int, Field(ge=0)] | None
    """Of the operators that ran, by the shapes they ran on: padding and recomputation count."""
    operators: Annotated[int, Field(ge=0)] | None
    """Dispatched to a device's code, forward and backward, views included."""
    launches: Annotated[int, Field(ge=0)] | None
    """CUDA kernels, without copies and fills by the driver; None on a CPU."""
    graph_breaks: Annotated[int, Field(ge=0)] | None
    """Of the forward under torch.compile: graphs less one. None where it cannot be traced."""
