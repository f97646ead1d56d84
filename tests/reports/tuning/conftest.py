"""Synthetic tunings: races of which the true latencies are known, and their finalists' records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from reports.race import Contender, Heat, Race
from reports.runfile import Run
from reports.schema import Record

NOISE = 0.01
ROUNDS = 8


def make_contender(chunk_size: int, ms: float | None = None, **changes: Any) -> Contender:
    """One that was slower after three rounds of two samples; without `ms` it has no times."""
    rng = np.random.default_rng([changes.pop("seed", 0), chunk_size])
    rounds = changes.pop("rounds", 3)
    noise = changes.pop("noise", NOISE)
    values: dict[str, Any] = {
        "chunk_size": chunk_size,
        "outcome": "slower",
        "workspace_bytes": 2**20,
        "distance_to_full": 0.4,
        "flops": 10**6 * (abs(chunk_size - 64) + 1),
    }
    if ms is not None:
        visits = ms * np.exp(rng.normal(0, noise, (rounds, 1)) + rng.normal(0, noise, (rounds, 2)))
        values["rounds_ms"] = visits.tolist()
    return Contender(**values | changes)


def latency(seq_len: int, chunk_size: float, scale: float = 1.0) -> float:
    """ms, of a law with its least near n = 0.7·sqrt(T), clearly slower on both sides."""
    T, n = seq_len, chunk_size
    return scale * (0.2 + 2e-4 * T + 4e-6 * T * n + 2e-6 * T**2 / n)


@pytest.fixture(scope="session")
def contender() -> Callable[..., Contender]:
    """`make_contender`."""
    return make_contender


@pytest.fixture(scope="session")
def race(record: Callable[..., Record]) -> Callable[..., Race]:
    """A race among contenders at a length."""

    def make(contenders: Sequence[Contender], seq_len: int = 4096, **changes: Any) -> Race:
        one = record(seq_len=seq_len, chunk_size=None)
        values: dict[str, Any] = {"started_at": one.started_at, "wall_s": 10.0}
        ordered = sorted(contenders, key=lambda each: each.chunk_size)
        return Race(point=one.point, contenders=ordered, **values | changes)

    return make


@pytest.fixture(scope="session")
def raced(race: Callable[..., Race]) -> Callable[..., Race]:
    """A race by the true latencies of its chunk sizes: those within a tenth of the least are
    finalists."""

    def make(ms: Mapping[int, float], seq_len: int = 4096, **changes: Any) -> Race:
        own = {name: changes.pop(name) for name in ("noise", "seed") if name in changes}
        best = min(ms.values())
        runners = []
        for n, true in ms.items():
            last = true <= 1.1 * best
            how = {"outcome": "finalist", "rounds": ROUNDS} if last else {}
            sizes = {"workspace_bytes": 2**20 + 2**12 * n, "distance_to_full": 1 - n / 1024}
            runners.append(make_contender(n, true, **own, **how, **sizes))
        return race(runners, seq_len, **changes)

    return make


@pytest.fixture(scope="session")
def confirming_records(record: Callable[..., Record]) -> Callable[..., list[Record]]:
    """Records of a race's finalists from a fresh process, in which they took turns."""

    def make(of: Race, ms: Mapping[int, float], **changes: Any) -> list[Record]:
        rounds, noise = changes.pop("rounds", 12), changes.pop("noise", NOISE)
        found = []
        for n in (each.chunk_size for each in of.contenders if each.outcome == "finalist"):
            rng = np.random.default_rng([1, n])
            drift = np.exp(np.linspace(0, 0.05, rounds))[:, None]
            samples = ms[n] * drift * np.exp(rng.normal(0, noise, (rounds, 3)))
            made = {"samples_ms": samples.ravel().tolist(), "visits": [3] * rounds}
            T = of.point.seq_len
            found.append(record(seq_len=T, chunk_size=n, median_ms=ms[n], latency=made, **changes))
        return found

    return make


def make_heat(of: Race, ms: Mapping[int, float], noise: float = NOISE, rounds: int = 12) -> Heat:
    """A race's finalists in a fresh process, by their true latencies."""
    found = {}
    for n in (each.chunk_size for each in of.contenders if each.outcome == "finalist"):
        rng = np.random.default_rng([1, n])
        drift = np.exp(np.linspace(0, 0.05, rounds))[:, None]
        found[n] = (ms[n] * drift * np.exp(rng.normal(0, noise, (rounds, 3)))).tolist()
    return Heat(rounds_ms=found)


@pytest.fixture(scope="session")
def heat() -> Callable[..., Heat]:
    """`make_heat`."""
    return make_heat


@pytest.fixture(scope="session")
def tuned(
    run: Callable[..., Run],
    raced: Callable[..., Race],
    confirming_records: Callable[..., list[Record]],
) -> Callable[..., Run]:
    """A whole tuning by the true latencies of each length; `spec` is what was asked for."""

    def make(
        ms: Mapping[int, Mapping[int, float]],
        fresh: Mapping[int, Mapping[int, float]] | None = None,
        spec: Mapping[str, Any] | None = None,
        noise: float = NOISE,
        noise_of_machine: Any = None,
        **changes: Any,
    ) -> Run:
        races = [
            one.model_copy(update={"heats": [make_heat(one, (fresh or ms)[T], noise)]})
            for T, one in ((T, raced(of_length, T, noise=noise)) for T, of_length in ms.items())
        ]
        records = [
            one
            for of in races
            for one in confirming_records(of, (fresh or ms)[of.point.seq_len], noise=noise)
        ]
        asked = {"tune": {"prefer": "latency"} | dict(spec or {}), "order": "interleaved"}
        made = run(records, spec=asked, noise=noise_of_machine, **changes)
        made.races.extend(races)
        return made

    return make


@pytest.fixture(scope="session")
def by_law() -> Callable[..., dict[int, dict[int, float]]]:
    """True latencies of some lengths and chunk sizes by `latency`."""

    def make(
        lengths: Sequence[int] = (4096,), sizes: Sequence[int] = (16, 32, 64, 96, 128, 256, 512)
    ) -> dict[int, dict[int, float]]:
        return {T: {n: latency(T, n) for n in sizes if n <= T} for T in lengths}

    return make
