"""A tuning without a machine: latencies that are made up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.messages import Answer, Do, Failure, Looked, Turn
from bench.tune.request import Request, request
from reports.schema import Point, Status

SMALL = {"dim": "32", "heads": "2", "device": "cpu", "dtype": "fp32"}


@pytest.fixture(scope="session")
def make_request() -> Callable[..., Request]:
    """A tuning of a small HATrick, with changes."""

    def make(seq_len: str = "1k", **changes: Any) -> Request:
        own = ("max_memory", "max_distance", "quality", "min_quality", "max_quality", "prefer")
        rules = {name: changes.pop(name) for name in own if name in changes}
        flags = SMALL | {"seq_len": seq_len} | changes
        return request(flags, None, command="hatrick tune", **rules)

    return make


class FakeWorker:
    """Answers as a worker would whose calls take `latency(chunk size)` ms, with noise.

    Args:
        fails: chunk sizes, and at which job they fail.
    """

    def __init__(
        self,
        latency: Callable[[int], float],
        *,
        noise: float = 0.02,
        seed: int = 0,
        fails: dict[int, Do] | None = None,
    ) -> None:
        self._latency, self._noise = latency, noise
        self._random = np.random.default_rng(seed)
        self._fails = fails or {}
        self.asked: list[tuple[Do, int]] = []

    def __call__(self, do: Do, point: Point) -> Answer:
        n = point.chunk_size
        assert n is not None
        self.asked.append((do, n))
        if self._fails.get(n) == do:
            return Failure(status=Status.OUT_OF_MEMORY, reason="no room")
        if do == "look":
            return Looked(workspace_bytes=n << 10, distance_to_full=10 / n)
        assert do == "turn"
        noise = np.exp(self._noise * self._random.standard_normal(3))
        return Turn(samples_ms=(self._latency(n) * noise).tolist())

    def count(self, do: Do, chunk_size: int) -> int:
        """How often that was asked."""
        return self.asked.count((do, chunk_size))


@pytest.fixture
def fake_worker() -> type[FakeWorker]:
    return FakeWorker
