"""Most of a sweep's time is spent in the calls that it measures."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import torch

from bench.selftest.report import Check
from bench.spec import merge
from bench.sweep import plan, run
from reports.runfile import read_run
from reports.schema import Point, Record, Status

LIMIT = 0.6
"""Of the wall time, what samples and warm-up calls take. A warm-up call is a call of what is
measured, and without it no sample would be worth anything, but it is no figure of the run: the
share of the samples alone stands beside it."""
PART = {
    "cpu": {"preset": "default", "seq_len": "256,1k", "chunk_size": "128"},
    "cuda": {"preset": "gpu", "seq_len": "8k,32k", "chunk_size": "256", "direction": "forward"},
}
"""A part of the sweep with a short and a long length, of some twenty seconds. On CUDA both are long
enough to fill the device. Longer ones would take minutes and say the same: what building, counting
and the oracles cost grows as the calls do."""


class _Silent:
    """Nobody watches this sweep."""

    def say(self, sentence: str) -> None:
        """Say nothing."""

    def watch(self, point: Point) -> None:
        """Look at nothing."""

    def finish(self, record: Record, seconds_left: float | None) -> None:
        """Count nothing."""


def check_overhead(device: torch.device) -> Check:
    """Run a part of the preset's sweep, and add up what of its wall time its samples and its
    warm-up calls took. Starting the worker, building, first calls with what they compile, counting
    memory and the oracles are all overhead."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        spec, preset = merge(PART[device.type] | {"device": str(device), "out": str(path)})
        prepared = plan(spec, preset=preset, command="hatrick selftest", resume=False)
        start = monotonic()
        run(prepared, _Silent())
        wall_s = monotonic() - start
        records = read_run(path).records
    timed = [record.latency for record in records if record.latency]
    sampled = sum(sum(latency.samples_ms) for latency in timed) / 1e3 / wall_s
    called = sampled + sum(latency.warmup_ms for latency in timed) / 1e3 / wall_s
    failed = [record for record in records if record.status not in (Status.OK, Status.UNSUPPORTED)]
    words = f"{called:.0%} of {wall_s:.0f} s are calls: {sampled:.0%} samples, the rest warm-up"
    if failed:
        first = failed[0]
        words += f"; {len(failed)} of {len(records)} points failed, the first: {first.reason}"
    return Check(
        name="a sweep's time is spent measuring",
        found=words,
        limit=f"at least {LIMIT:.0%}, warm-up included",
        passed=called >= LIMIT and not failed,
        of="harness",
    )
