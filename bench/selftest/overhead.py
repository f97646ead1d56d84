"""Most of a sweep's time is spent measuring."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import torch

from bench.selftest.report import Check
from bench.spec import merge
from bench.sweep import plan, run
from reports.runfile import read_run
from reports.schema import Point, Record

LIMIT = 0.6
BUDGET_S = 25.0


class _Silent:
    """Nobody watches this sweep."""

    def say(self, sentence: str) -> None:
        """Say nothing."""

    def watch(self, point: Point) -> None:
        """Look at nothing."""

    def finish(self, record: Record, seconds_left: float | None) -> None:
        """Count nothing."""


def check_overhead(device: torch.device) -> Check:
    """Run a part of the default sweep that fits in half a minute, and add up what of its time the
    samples took. Building, compiling, warming up, counting memory, the oracles and the start of the
    worker are all overhead."""
    flags = {"preset": "default", "device": str(device), "budget": f"{BUDGET_S}"}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        spec, preset = merge(flags | {"out": str(path)})
        prepared = plan(spec, preset=preset, command="hatrick selftest", resume=False)
        start = monotonic()
        run(prepared, _Silent())
        wall_s = monotonic() - start
        records = read_run(path).records
    timed = [record.latency for record in records if record.latency]
    share = sum(sum(latency.samples_ms) for latency in timed) / 1e3 / wall_s
    return Check(
        name="a sweep's time is spent measuring",
        found=f"{share:.0%} of {wall_s:.0f} s, {len(timed)} points",
        limit=f"at least {LIMIT:.0%}",
        passed=share >= LIMIT,
    )
