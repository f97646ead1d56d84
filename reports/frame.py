"""Run files as one pandas frame: a row a point, a column a figure, missing where there is none."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from reports.figures import Gpu, Latency
from reports.labels import labels
from reports.runfile import Run, read_runs
from reports.schema import Record

COLUMNS: dict[str, tuple[str, str]] = {
    "run_id": ("string", "the run this row was measured in"),
    "file": ("string", "path of its run file"),
    "key": ("string", "identity of the point: equal only where everything asked for is equal"),
    "label": ("string", "how tables and charts name the curve this row belongs to"),
    "variant": ("string", "registered name of the attention"),
    "options": ("object", "dict of the variant's own options, defaults included"),
    "backend": ("string", "backend asked for: auto or a name"),
    "backend_used": ("string", "backend that ran; empty where none is available"),
    "scope": ("string", "layer or core"),
    "direction": ("string", "forward or forward+backward"),
    "batch": ("int64", "sequences in one call"),
    "seq_len": ("int64", "sequence length T, tokens"),
    "refined": ("bool", "the length was added near a crossover, by --refine crossovers"),
    "dim": ("int64", "width of the model"),
    "heads": ("int64", "attention heads"),
    "chunk_size": ("Int64", "visible local keys; missing for a variant without chunks"),
    "causal": ("bool", "no output depends on a later input"),
    "dtype": ("string", "torch's name: float32, bfloat16, …"),
    "device": ("string", "torch's name: cpu, cuda:0, …"),
    "device_name": ("string", "model of the device"),
    "cache": ("string", "cold: the last-level cache is flushed before every call; warm: it is not"),
    "cuda_graph": ("bool", "the replay of a CUDA graph was timed"),
    "allocator": ("string", "kept: the worker's malloc keeps what is freed; system: as it comes"),
    "wait_policy": ("string", "passive: the worker's idle threads sleep; system: as it comes"),
    "seed": ("int64", "seed of the inputs and parameters"),
    "status": (
        "string",
        "ok, throttled (all figures); disagrees (agreement alone); unsupported, out_of_memory, "
        "timeout, crashed, left_out (no figure)",
    ),
    "predicted": ("bool", "the status was foreseen and the point never tried"),
    "reason": ("string", "why it is not ok; empty if it is"),
    "latency_ms": ("float64", "median wall time of one call, ms"),
    "latency_q1_ms": ("float64", "lower quartile, ms"),
    "latency_q3_ms": ("float64", "upper quartile, ms"),
    "latency_low_ms": ("float64", "lower end of the median's 95% interval, ms"),
    "latency_high_ms": ("float64", "upper end of it, ms; missing with too few samples"),
    "samples": ("Int64", "number of samples"),
    "samples_ms": ("object", "list of every sample in the order taken, ms; None without any"),
    "visits": ("object", "list: how many of them each visit took, in order; None without any"),
    "rounds": ("object", "list: when the round of each visit began, ms since 1970; None without"),
    "target": ("float64", "half the interval's width over the median that was asked for"),
    "precision": ("float64", "half the interval's width over the median that was reached"),
    "stopped_by": ("string", "precision; stable: the target is out of reach; time: it was up"),
    "build_ms": ("float64", "making the layer and its inputs, ms"),
    "compile_ms": ("float64", "compilation within the first call, ms; 0 where nothing is compiled"),
    "mask_ms": ("float64", "building the masks that are kept, within the first call, ms"),
    "first_call_ms": ("float64", "first call, compilation and masks included, ms"),
    "capture_ms": ("float64", "capturing the call in a CUDA graph, ms; 0 where not asked for"),
    "warmup_ms": ("float64", "calls from the second on that are no samples, ms"),
    "warmup_calls": ("Int64", "number of those calls"),
    "stationary": ("boolean", "the warm-up ended because its calls took the same time"),
    "launch_hidden": ("float64", "CUDA: share of samples queued whole before their first kernel"),
    "throttled_samples": ("Int64", "samples taken while the device held its clocks down"),
    "cpu_wait": ("float64", "share of their time that the worker's threads waited for a core"),
    "cpu_steal": ("float64", "share of all cores' time that the hypervisor gave to others"),
    "input_bytes": ("Int64", "inputs, bytes"),
    "output_bytes": ("Int64", "output, bytes"),
    "parameter_bytes": ("Int64", "parameters, bytes"),
    "workspace_bytes": ("Int64", "peak above what was resident before the call, bytes"),
    "retained_bytes": ("Int64", "taken and not given back by a call, bytes; above 0 is a leak"),
    "resident_before_bytes": ("Int64", "CPU: the process's resident set before the call, bytes"),
    "resident_peak_bytes": ("Int64", "CPU: its peak during the call, bytes"),
    "allocated_peak_bytes": ("Int64", "CUDA allocator's peak of allocated memory, bytes"),
    "reserved_peak_bytes": ("Int64", "CUDA allocator's peak of reserved memory, bytes"),
    "process_bytes": ("Int64", "CUDA: the whole process's memory on the device, by NVML, bytes"),
    "memory_source": ("string", "what counted the bytes"),
    "gpu_readings": ("Int64", "readings of NVML beside the samples; missing without NVML"),
    "sm_clock_low_mhz": ("float64", "lowest reading of the SM clock, MHz"),
    "sm_clock_median_mhz": ("float64", "its median, MHz"),
    "sm_clock_high_mhz": ("float64", "its highest reading, MHz"),
    "memory_clock_mhz": ("float64", "median reading of the memory clock, MHz"),
    "temperature_c": ("float64", "highest temperature, °C"),
    "power_w": ("float64", "median power, W"),
    "slowdowns": ("object", "dict: why clocks were held down, and in how many readings"),
    "energy_j": ("float64", "energy of one call, of the whole device, J"),
    "oracle_error": ("float64", "relative error against the variant's float64 oracle"),
    "oracle_bound": ("float64", "largest error the dtype explains"),
    "oracle_max_error": ("float64", "largest error of an element against it"),
    "oracle_max_bound": ("float64", "largest such error the dtype explains"),
    "oracle_rows": ("Int64", "queries of each sequence that were compared"),
    "oracle": ("string", "independent, or self: no oracle of its own"),
    "distance_to_full": ("float64", "0: equals full attention; 1: as far off as no attention"),
    "cosine_to_full": ("float64", "cosine of what this and full attention add to no attention"),
    "flops": ("Int64", "cost model's FLOPs of one call; a multiply-add is two"),
    "model_bytes": ("Int64", "cost model's bytes to and from memory of one call"),
    "counted_flops": ("Int64", "FLOPs of the operators that one call ran, padding included"),
    "operators": ("Int64", "operators that one call dispatched"),
    "launches": ("Int64", "CUDA: kernels that one call launched"),
    "graph_breaks": ("Int64", "graph breaks of the forward under torch.compile"),
    "flops_ceiling": (
        "float64",
        "FLOP/s of the fastest large matrix product on this device and in this dtype, in the same "
        "run; missing where it was not measured",
    ),
    "bytes_ceiling": ("float64", "bytes/s of the fastest large copy, read and written, likewise"),
    "capacity_bytes": ("Int64", "all memory of the device; missing in a GPU's run of schema 2"),
    "order": ("string", "interleaved: points of one length took turns; sequential: they did not"),
    "started_at": ("datetime64[us, UTC]", "when the point was started"),
    "wall_s": ("float64", "seconds the point took, all probes together"),
    "torch": ("string", "torch's version"),
    "git_commit": ("string", "commit of the working tree; empty outside a checkout"),
    "git_dirty": ("bool", "the working tree had changes that were not committed"),
    "code": ("string", "digest of this project's sources"),
    "noise_spread": (
        "float64",
        "how far two measurements of one point lie apart at most, relative, by the selftest on "
        "this device; missing if there was none",
    ),
}
"""Every column with its dtype and what it holds. Missing figures are NA or NaN, never zero."""


def load(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> pd.DataFrame:
    """Read run files into a frame with the columns of `COLUMNS`, one row a point.

    Args:
        paths: a run file, several, or a folder of `*.jsonl`.

    Raises:
        RunFileError: something given is no run file.
    """
    return to_frame(read_runs(paths))


def to_frame(runs: Sequence[Run]) -> pd.DataFrame:
    """Runs as a frame with the columns of `COLUMNS`; of a point tried again, the last try."""
    rows = [
        _row(run, record) | roofs.get((record.point.device_name, record.point.dtype), {})
        for run, roofs in ((run, _roofs(run)) for run in runs)
        for record in run.latest
    ]
    frame = pd.DataFrame(
        {
            name: pd.Series([row.get(name) for row in rows], dtype=dtype)
            for name, (dtype, _) in COLUMNS.items()
        }
    )
    frame["label"] = labels(frame)
    return frame


def flat(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame of `load` as a file of a table holds it: one value a cell, dicts as JSON text.

    Lists (every sample, its visits and rounds) are left out: they are in the run file. All other
    columns of `COLUMNS` are there, in their order.
    """
    columns = [name for name in COLUMNS if name not in _LISTS]
    return frame[columns].assign(
        **{name: pd.Series(map(_json, frame[name]), frame.index, "string") for name in _DICTS}
    )


_LISTS = ("samples_ms", "visits", "rounds")
_DICTS = ("options", "slowdowns")


def _json(value: Any) -> str | None:
    return json.dumps(value, sort_keys=True) if isinstance(value, dict) else None


def _row(run: Run, record: Record) -> dict[str, Any]:
    """One record, flat; a name that is not in it is a figure that is missing."""
    environment = run.environment
    noise, spec = environment.noise, environment.spec
    # A model's own dict is read, and not its dump: a copy of every list would take longer than
    # everything else here.
    row: dict[str, Any] = {
        **record.__dict__,
        **record.point.__dict__,
        "run_id": environment.run_id,
        "order": spec.get("order"),
        "file": str(run.path),
        "torch": environment.packages.get("torch"),
        "git_commit": environment.git_commit,
        "git_dirty": environment.git_dirty,
        "code": environment.code,
        "status": record.status.value,
        "capacity_bytes": _capacity(run, record.point.device),
        "refined": bool(spec.get("refine")) and record.point.seq_len not in spec["seq_len"],
    }
    if noise and noise.device_name == record.point.device_name:
        row["noise_spread"] = noise.spread
    if record.latency:
        row |= _latency(record.latency)
    if memory := record.memory:
        row |= memory.__dict__ | {"memory_source": memory.source}
    if record.gpu:
        row |= _gpu(record.gpu)
    if record.agreement:
        row |= record.agreement.__dict__
    if counts := record.counts:
        row |= counts.__dict__ | {"counted_flops": counts.flops, "flops": record.flops}
    return row


def _capacity(run: Run, device: str) -> int | None:
    """All memory of a device."""
    environment = run.environment
    # A run of schema 2 knows the host's memory alone, which is a CPU's.
    host = environment.memory_bytes if device == "cpu" else None
    return environment.device_memory.get(device, host)


def _roofs(run: Run) -> dict[tuple[str, str], dict[str, float]]:
    """The best rates of a run, by model of device and dtype."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for ceiling in run.ceilings:
        best = found.setdefault((ceiling.device_name, ceiling.dtype), {})
        rates = {"flops_ceiling": ceiling.flops_per_s, "bytes_ceiling": ceiling.bytes_per_s}
        best |= {name: max(rate, best.get(name, 0.0)) for name, rate in rates.items()}
    return found


def _latency(latency: Latency) -> dict[str, Any]:
    return {
        **latency.__dict__,
        "latency_ms": latency.median_ms,
        "latency_q1_ms": latency.q1_ms,
        "latency_q3_ms": latency.q3_ms,
        "latency_low_ms": latency.low_ms,
        "latency_high_ms": latency.high_ms,
        "samples": len(latency.samples_ms),
        "precision": latency.precision,
        "throttled_samples": len(latency.throttled),
    }


def _gpu(gpu: Gpu) -> dict[str, Any]:
    low, median, high = gpu.sm_clock_mhz
    return {
        **gpu.__dict__,
        "gpu_readings": gpu.readings,
        "sm_clock_low_mhz": low,
        "sm_clock_median_mhz": median,
        "sm_clock_high_mhz": high,
    }
