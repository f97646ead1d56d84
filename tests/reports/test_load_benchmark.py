"""How long it takes to read a large run: `pytest --benchmark-enable` times it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import reports

RECORDS = 10_000
VARIANTS = ("hatrick", "full", "lsh", "sliding_window")


@pytest.fixture
def large_run(tmp_path: Path, environment, record) -> Path:
    """A run file of as many different points, each with 40 samples in 10 visits."""
    samples = np.random.default_rng(0).lognormal(0.0, 0.05, (RECORDS, 40)).tolist()
    made = (
        record(
            VARIANTS[n % 4],
            256 * (1 + n // 100),
            seed=n,
            options={"rounds": n % 3} if n % 4 == 2 else {},
            latency={"samples_ms": samples[n], "visits": [4] * 10},
        )
        for n in range(RECORDS)
    )
    path = tmp_path / "run.jsonl"
    # Not by RunWriter, which has every record on the disk before the next.
    lines = [environment().model_dump_json(), *(one.model_dump_json() for one in made)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_a_large_run_is_read_whole(benchmark: BenchmarkFixture, large_run: Path) -> None:
    frame = benchmark(reports.load, large_run)
    assert len(frame) == RECORDS
    assert frame["key"].nunique() == RECORDS
    assert frame["samples"].eq(40).all()
