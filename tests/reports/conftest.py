"""Synthetic runs: valid records made from the few arguments that a test is about."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reports.figures import Agreement, Gpu, Latency, Memory
from reports.runfile import Run
from reports.schema import Ceiling, Environment, Noise, Point, Record, Status

STARTED = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def make_environment(**changes: Any) -> Environment:
    """An environment of a small machine."""
    values: dict[str, Any] = {
        "run_id": "run-a",
        "created_at": STARTED,
        "command": "hatrick sweep --preset quick",
        "spec": {"seq_len": [256, 512], "variants": ["hatrick", "full"], "order": "interleaved"},
        "host": "bench-1",
        "os": "Linux 6.1",
        "cpu": "Example CPU 9000",
        "cpu_cores": 2,
        "memory_bytes": 8 * 2**30,
        "threads": 2,
        "devices": {"cpu": "Example CPU 9000"},
        "device_memory": {"cpu": 8 * 2**30},
        "driver": "",
        "cuda": "",
        "python": "3.11.9",
        "packages": {"torch": "2.13.0+cpu", "numpy": "2.2.0"},
        "git_commit": "0123abc",
        "git_dirty": False,
        "code": "c0de5eed",
        "variables": {"OMP_NUM_THREADS": "2"},
    }
    return Environment(**values | changes)


def make_point(variant: str = "hatrick", seq_len: int = 256, **changes: Any) -> Point:
    """A point on a CPU; chunk size 64, except for full attention."""
    values: dict[str, Any] = {
        "variant": variant,
        "backend": "auto",
        "backend_used": "sdpa",
        "scope": "layer",
        "direction": "forward",
        "batch": 1,
        "seq_len": seq_len,
        "dim": 64,
        "heads": 4,
        "chunk_size": None if variant == "full" else 64,
        "causal": False,
        "dtype": "float32",
        "device": "cpu",
        "device_name": "Example CPU 9000",
        "cache": "warm",
        "cuda_graph": False,
        "allocator": "kept",
        "wait_policy": "passive",
        "seed": 0,
    }
    return Point(**values | changes)


def make_latency(
    median_ms: float, spread: float = 0.02, interval: bool = True, **changes: Any
) -> Latency:
    """Latency of one visit, quartiles and interval symmetric around the median, on target."""
    low, high = median_ms * (1 - spread), median_ms * (1 + spread)
    values: dict[str, Any] = {
        "samples_ms": [low, median_ms, high],
        "visits": [3],
        "median_ms": median_ms,
        "q1_ms": low,
        "q3_ms": high,
        "low_ms": low if interval else None,
        "high_ms": high if interval else None,
        "target": max(spread, 0.001) * 1.01,
        "stopped_by": "precision",
        "build_ms": 3.0,
        "compile_ms": 5.0,
        "mask_ms": 0.5,
        "first_call_ms": 9.0,
        "warmup_ms": 20.0,
        "warmup_calls": 2,
        "stationary": True,
    }
    values |= changes
    # All points take turns in the same rounds.
    return Latency(**{"rounds": list(range(len(values["visits"])))} | values)


def visits_of(
    median_ms: float, drift: Sequence[float], noise: float = 0.01, offset: int = 0
) -> dict[str, Any]:
    """`samples_ms` and `visits`, three samples a visit, for `make_latency`.

    Args:
        drift: one factor a round, as the whole machine drifts.
        noise: relative; its pattern over the rounds is shifted by `offset`.
    """
    samples = []
    for i, factor in enumerate(drift):
        own = 1 + noise * ((i + offset) % 3 - 1)
        samples += [median_ms * factor * own * wobble for wobble in (0.999, 1.0, 1.001)]
    return {"samples_ms": samples, "visits": [3] * len(drift)}


def make_gpu(**changes: Any) -> Gpu:
    """What NVML says of a GPU at its rated power."""
    values: dict[str, Any] = {
        "readings": 20,
        "sm_clock_mhz": (1410.0, 1755.0, 1980.0),
        "memory_clock_mhz": 2619.0,
        "temperature_c": 61.0,
        "power_w": 512.0,
        "slowdowns": {"sw_power_cap": 4},
        "energy_j": 0.25,
    }
    return Gpu(**values | changes)


def make_noise(**changes: Any) -> Noise:
    """What a selftest on the machine of `make_environment` found."""
    values: dict[str, Any] = {
        "measured_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "device_name": "Example CPU 9000",
        "spread": 0.021,
        "pairs": 10,
        "fit": True,
    }
    return Noise(**values | changes)


def make_record(
    variant: str = "hatrick",
    seq_len: int = 256,
    *,
    status: Status = Status.OK,
    reason: str = "",
    median_ms: float = 1.0,
    spread: float = 0.02,
    interval: bool = True,
    workspace: int = 4096,
    oracle_error: float = 1e-7,
    oracle_bound: float = 1e-6,
    oracle_max_error: float = 1e-6,
    oracle: str = "independent",
    distance: float | None = 0.4,
    predicted: bool = False,
    latency: dict[str, Any] | None = None,
    memory: dict[str, Any] | None = None,
    gpu: Gpu | None = None,
    **point: Any,
) -> Record:
    """A record of `make_point(variant, seq_len, **point)` with the figures its status allows.

    `latency` and `memory` replace fields of those two.
    """
    identity = make_point(variant, seq_len, **point)
    figures: dict[str, Any] = {"flops": 10**6, "model_bytes": 10**4}
    if status in (Status.OK, Status.THROTTLED):
        figures["latency"] = make_latency(median_ms, spread, interval, **latency or {})
        sizes: dict[str, Any] = {
            "input_bytes": 1024,
            "output_bytes": 1024,
            "parameter_bytes": 2048,
            "workspace_bytes": workspace,
            "retained_bytes": 0,
            "source": "cpu allocator events",
        }
        figures["memory"] = Memory(**sizes | (memory or {}))
        figures["gpu"] = gpu
    if status in (Status.OK, Status.THROTTLED, Status.DISAGREES):
        figures["agreement"] = Agreement(
            oracle_error=oracle_error,
            oracle_bound=oracle_bound,
            oracle_max_error=oracle_max_error,
            oracle_max_bound=1e-4,
            oracle_rows=66,
            oracle=oracle,
            distance_to_full=distance,
            cosine_to_full=None if distance is None else 0.9,
        )
    default_reason = "" if status is Status.OK else f"it was {status} at T = {seq_len}"
    return Record(
        key=identity.key,
        point=identity,
        status=status,
        reason=reason or default_reason,
        predicted=predicted,
        started_at=STARTED,
        wall_s=0.5,
        **figures,
    )


def make_ceiling(flops_per_s: float = 1e11, bytes_per_s: float = 1e10, **changes: Any) -> Ceiling:
    """The ceiling of a device with these rates, each reached by the faster of two samples."""
    product_ms, copy_ms = 2e3 * 1000**3 / flops_per_s, 2e3 * 10**8 / bytes_per_s
    values: dict[str, Any] = {
        "device": "cpu",
        "device_name": "Example CPU 9000",
        "dtype": "float32",
        "started_at": STARTED,
        "product_rows": 1000,
        "product_ms": [1.1 * product_ms, product_ms],
        "copy_bytes": 10**8,
        "copy_ms": [copy_ms, 1.2 * copy_ms],
    }
    return Ceiling(**values | changes)


def make_run(
    records: Iterable[Record],
    *,
    name: str = "run-a",
    damaged: Sequence[str] = (),
    ceilings: Iterable[Ceiling] = (),
    **changes: Any,
) -> Run:
    """A run in memory, in a file of the same name; `changes` are of its environment."""
    environment = make_environment(run_id=name, **changes)
    return Run(Path(f"{name}.jsonl"), environment, list(records), list(damaged), list(ceilings))


def sweep_records(
    lengths: Sequence[int] = (256, 512, 1024, 2048, 4096, 8192),
    chunks: Sequence[int] = (32, 64, 128, 256),
    **point: Any,
) -> list[Record]:
    """A whole sweep of four variants: full grows as T², the others as T; full ends at 8192."""
    records = []
    for T in lengths:
        full: dict[str, Any] = {"median_ms": (T / 256) ** 2 * 0.31, "workspace": 16 * T * T}
        if T >= 8192:
            full = {"status": Status.OUT_OF_MEMORY, "reason": "tried to allocate 4.00 GiB"}
        records.append(make_record("full", T, distance=2e-7, **full | point))
        for n in chunks:
            for variant, slope in (("hatrick", 2.1), ("sliding_window", 1.0), ("lsh", 7.9)):
                if variant == "lsh" and n == 256 and T == 512:
                    records.append(
                        make_record("lsh", T, status=Status.CRASHED, chunk_size=n, **point)
                    )
                    continue
                hatrick = variant == "hatrick"
                per_token = n / 128 + (T / n / 64 if hatrick else 0) + 0.3
                records.append(
                    make_record(
                        variant,
                        T,
                        chunk_size=n,
                        median_ms=slope * T / 2048 * per_token,
                        workspace=int(T * 1024 * slope * (1 + n / 512)),
                        distance=0.9 - 0.1 * slope / (1 + n / 256),
                        oracle_error=3e-7 * (1 + n / 512),
                        **point,
                    )
                )
    return records


@pytest.fixture(scope="session")
def record() -> Callable[..., Record]:
    """`make_record`."""
    return make_record


@pytest.fixture(scope="session")
def environment() -> Callable[..., Environment]:
    """`make_environment`."""
    return make_environment


@pytest.fixture(scope="session")
def run() -> Callable[..., Run]:
    """`make_run`."""
    return make_run


@pytest.fixture(scope="session")
def sweep() -> Callable[..., list[Record]]:
    """`sweep_records`."""
    return sweep_records


@pytest.fixture(scope="session")
def visits() -> Callable[..., dict[str, Any]]:
    """`visits_of`."""
    return visits_of


@pytest.fixture(scope="session")
def noise() -> Callable[..., Noise]:
    """`make_noise`."""
    return make_noise


@pytest.fixture(scope="session")
def gpu() -> Callable[..., Gpu]:
    """`make_gpu`."""
    return make_gpu


@pytest.fixture(scope="session")
def ceiling() -> Callable[..., Ceiling]:
    """`make_ceiling`."""
    return make_ceiling


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """Chromium without a window, one for all tests: a second Playwright in a process is an error.
    Where it is required, its absence is a failure."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _absent("playwright is not installed: pip install playwright")
    if path is None:
        _absent(f"none of {', '.join(BROWSERS)} is on this machine: apt install chromium")
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu"]
        started = playwright.chromium.launch(executable_path=path, args=flags)
        yield started
        started.close()


def _absent(why: str) -> None:
    if os.environ.get("CI_BROWSER") == "required":
        pytest.fail(why)
    pytest.skip(why)
