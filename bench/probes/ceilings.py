"""What a device can do at most: `python -m bench.probes.ceilings DEVICE DTYPE…`.

The rates of a large matrix product and of a large copy are the roofs under which points are drawn
(Williams, Waterman and Patterson, "Roofline: An Insightful Visual Performance Model for Multicore
Architectures", CACM 52(4), 2009). They are measured and not read from a data sheet: by the same
libraries, on the same threads, at the clocks that the device holds now. A sweep measures them in a
process of its own, since a worker must hold nothing of a device that another one will want.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor

from bench.device import memory_bytes, model_name
from bench.environment import threads, worker_environment
from reports.schema import Ceiling

SMALLEST, LARGEST = 256, 16384
"""Rows of the matrices."""
LONG_ENOUGH_S = 0.05
"""Of one product: the matrices grow no further."""
SAMPLING_S = 0.4
MIN_SAMPLES, MAX_SAMPLES = 10, 50
COPY_BYTES = {"cpu": 1 << 28, "cuda": 1 << 32}
"""Many times what a last-level cache holds; and on a GPU some milliseconds' worth, beside which the
launch and the wait for its end are nothing."""
COPY_SHARE = 16
"""The two blocks of a copy take no more than an eighth of the device's memory."""
TIMEOUT_S = 120.0


class CeilingsError(Exception):
    """The ceilings could not be measured; the message says why."""


def ceilings(device: torch.device, dtypes: Sequence[str]) -> list[Ceiling]:
    """The ceilings of a device now, one a dtype, from a process that is started for them.

    Args:
        dtypes: torch's names, without the prefix.

    Raises:
        CeilingsError: the process failed, or took longer than two minutes.
    """
    command = [sys.executable, "-P", "-m", "bench.probes.ceilings", str(device), *dtypes]
    # The same package, and the same threads, as a worker has.
    variables = worker_environment("kept", "passive")
    variables["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, env=variables
        )
    except subprocess.TimeoutExpired:
        raise CeilingsError(f"no answer within {TIMEOUT_S:g} s") from None
    if done.returncode:
        raise CeilingsError(" ".join(done.stderr.split())[-300:] or f"exit code {done.returncode}")
    return [Ceiling.model_validate_json(line) for line in done.stdout.splitlines()]


def measure(device: torch.device, dtypes: Sequence[str]) -> Iterator[Ceiling]:
    """For each dtype samples of a square matrix product, and for all those of one large copy.

    The matrices are as large as a product of some 50 ms allows, and random: a GPU that multiplies
    constants draws less power and holds higher clocks.
    """
    size = min(COPY_BYTES[device.type], memory_bytes(device) // COPY_SHARE)
    copies = _samples_ms(_copy(size, device), device)
    for dtype in dtypes:
        started_at, rows = datetime.now(UTC), SMALLEST
        product = _product(rows, device, dtype)
        # The second call: the first loads a library.
        while _seconds(product, device, 2)[1] < LONG_ENOUGH_S and rows < LARGEST:
            rows *= 2
            product = _product(rows, device, dtype)
        yield Ceiling(
            device=str(device),
            device_name=model_name(device),
            dtype=dtype,
            started_at=started_at,
            product_rows=rows,
            product_ms=_samples_ms(product, device),
            copy_bytes=size,
            copy_ms=copies,
        )


def _product(rows: int, device: torch.device, dtype: str) -> Callable[[], Tensor]:
    generator = torch.Generator(device).manual_seed(0)
    left, right = (
        torch.randn(rows, rows, device=device, generator=generator).to(getattr(torch, dtype))
        for _ in range(2)
    )
    out = torch.empty_like(left)
    return lambda: torch.mm(left, right, out=out)


def _copy(size: int, device: torch.device) -> Callable[[], Tensor]:
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.zeros_like(source)
    return lambda: target.copy_(source)


def _samples_ms(call: Callable[[], Tensor], device: torch.device) -> list[float]:
    _, second = _seconds(call, device, 2)
    samples = min(max(MIN_SAMPLES, int(SAMPLING_S / second)), MAX_SAMPLES)
    return [1e3 * seconds for seconds in _seconds(call, device, samples)]


def _seconds(call: Callable[[], Tensor], device: torch.device, times: int) -> list[float]:
    """Wall time of each of some calls."""
    found = []
    for _ in range(times):
        _wait(device)
        start = perf_counter()
        call()
        _wait(device)
        found.append(perf_counter() - start)
    return found


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main(device: str, *dtypes: str) -> None:
    """Print a ceiling a line."""
    torch.set_num_threads(threads())
    for ceiling in measure(torch.device(device), dtypes):
        print(ceiling.model_dump_json(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
