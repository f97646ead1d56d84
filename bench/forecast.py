"""What points will take, time and memory, before they are measured: the variants' cost models,
corrected by the points that were measured before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from statistics import median

import torch

import variants
from bench.cost import model_cost
from bench.points import attention_config
from bench.stopping import MAX_SAMPLES, min_samples
from reports.schema import Point, Record, Status

CALL_S = 5e-4
"""Of a call without work: Python, and some twenty operators of 10 to 20 µs each."""
RATE_SHARE = 0.3
"""Of the rate of a large matrix product, what an attention's many smaller ones and what lies
between them reach."""
USUAL_RATE = 1e11
"""FLOP/s where none was measured: a CPU with a few cores. The first points correct it."""
POINT_S = 1.0
"""Of a point whose calls take no time: building it, the profiler, warm-up, the agreement."""
OTHER_CALLS = 20
"""Calls' worth of time beside the samples: the first one, two for the memory, at least eight to
warm up, and the oracles, which make about as much in float64 as three forwards do."""
SAMPLED_SHARE = 0.75
"""Of a point's sampling time, what is used: many points reach their precision before its end."""
ENOUGH = 3
"""Points whose median says how much longer than predicted a point takes, given its call: one of
them may have waited for its worker to start."""
MARGIN = 1.2
"""By how much an extrapolation must exceed a device's memory to be believed: it may err."""


@dataclass(frozen=True, slots=True)
class _Model:
    """What is known of a point without running it; bytes."""

    curve: str
    """What it shares with the points that differ in their length alone, on any device."""
    levels: tuple[str, str, str]
    """Whose evidence counts, the nearest first: its curve, its variant on its backend, all."""
    call_s: float
    least: int
    """Of its workspace."""
    resident: int
    """Inputs, the gradient of the output and parameters."""


class Forecast:
    """Predicts points, and learns from those that are done: the nearest evidence wins, of the same
    curve, else of the same variant and backend, else of all; among calls the nearest length.

    Args:
        seconds: most sampling time of a point.
        rates: FLOP/s of a large matrix product by dtype.
    """

    def __init__(self, *, seconds: float, rates: Mapping[str, float] | None = None) -> None:
        self._sampling_s = seconds
        self._rates = dict(rates or {})
        self._models: dict[str, _Model] = {}
        # Measured divided by predicted, by level, with their medians: of calls at each length, and
        # of a point's seconds given its call.
        self._calls: dict[str, dict[int, list[float]]] = {}
        self._call: dict[str, dict[int, float]] = {}
        self._walls: dict[str, list[float]] = {}
        self._wall: dict[str, float] = {}
        self._failed: dict[str, dict[int, float]] = {}
        self._workspaces: dict[str, dict[int, int]] = {}
        self._out_of_memory: dict[str, int] = {}

    @property
    def has_learnt(self) -> bool:
        """Whether any point was measured yet."""
        return bool(self._calls or self._failed)

    def curve(self, point: Point) -> str:
        """What a point shares with exactly those that differ from it in length or device alone."""
        return self._model(point).curve

    def lengths(self, point: Point) -> frozenset[int]:
        """The lengths of its curve that were tried in this run."""
        curve = self.curve(point)
        return frozenset(self._calls.get(curve, {})) | frozenset(self._failed.get(curve, {}))

    def learn(self, record: Record) -> None:
        """Correct the predictions by a point that is done; one never tried says nothing."""
        untried = (Status.UNSUPPORTED, Status.LEFT_OUT)
        if record.predicted or record.status in untried:
            return
        point, model = record.point, self._model(record.point)
        seq_len = point.seq_len
        if record.status is Status.OUT_OF_MEMORY:
            shortest = self._out_of_memory.get(model.curve, seq_len)
            self._out_of_memory[model.curve] = min(shortest, seq_len)
        if record.memory is not None:
            workspaces = self._workspaces.setdefault(model.curve, {})
            workspaces[seq_len] = record.memory.workspace_bytes
        if record.latency is None:
            self._failed.setdefault(model.curve, {})[seq_len] = record.wall_s
            return
        call_s = record.latency.median_ms / 1e3
        for level in model.levels:
            calls = self._calls.setdefault(level, {}).setdefault(seq_len, [])
            calls.append(call_s / model.call_s)
            self._call.setdefault(level, {})[seq_len] = median(calls)
            walls = self._walls.setdefault(level, [])
            walls.append(record.wall_s / self._point_seconds(call_s))
            self._wall[level] = median(walls)

    def seconds(self, point: Point) -> float:
        """All of a point's time: building, first call, warm-up, samples and checks.

        A curve that failed is expected to fail at longer lengths too, and to take as long for it.
        """
        model = self._model(point)
        failed = [n for n in self._failed.get(model.curve, {}) if n <= point.seq_len]
        if failed:
            return self._failed[model.curve][max(failed)]
        level = next((level for level in model.levels if level in self._call), None)
        if level is None:
            return self._point_seconds(model.call_s)
        near = self._call[level]
        nearest = min(near, key=lambda n: (abs(log(n / point.seq_len)), n))
        enough = (level for level in model.levels if len(self._walls.get(level, [])) >= ENOUGH)
        wall = self._wall[next(enough, "all")]
        return self._point_seconds(model.call_s * near[nearest]) * wall

    def seconds_left(self, points: Sequence[Point]) -> float | None:
        """The seconds of points together; None before the first was learnt."""
        return sum(map(self.seconds, points)) if self.has_learnt else None

    def workspace(self, point: Point) -> int:
        """Bytes above what is resident before a call: the variant's lower bound or, if that is
        more, the curve so far, continued."""
        return max(self._model(point).least, self._extrapolated(point))

    def out_of_memory(self, point: Point, capacity_bytes: int) -> str:
        """Why a point cannot fit a device of that memory, in words; empty if it may."""
        model, shortest = self._model(point), self._out_of_memory.get(self.curve(point))
        if shortest is not None and shortest < point.seq_len:
            return f"predicted: the same curve ran out of memory at T = {shortest} already"
        has = f"the device has {_gib(capacity_bytes)}"
        fixed = f"input and parameters {_gib(model.resident)}"
        if model.least + model.resident > capacity_bytes:
            return f"predicted: workspace of at least {_gib(model.least)}, {fixed}; {has}"
        continued = self._extrapolated(point)
        if continued + model.resident > MARGIN * capacity_bytes:
            longest = max(self._workspaces[model.curve])
            growth = f"workspace of {_gib(continued)}, continued from T ≤ {longest}"
            return f"predicted: {growth}, {fixed}; {has}"
        return ""

    def _point_seconds(self, call_s: float) -> float:
        """Of a point, by its call."""
        usual = min(SAMPLED_SHARE * self._sampling_s, MAX_SAMPLES * call_s)
        return POINT_S + OTHER_CALLS * call_s + max(min_samples(call_s * 1e3) * call_s, usual)

    def _extrapolated(self, point: Point) -> int:
        """Through the two longest lengths measured so far, as a power of the length between 0 and
        2, or linear where there is one only; 0 where there is none."""
        known = self._workspaces.get(self.curve(point), {})
        lengths = sorted(n for n in known if n <= point.seq_len and known[n] > 0)[-2:]
        if not lengths:
            return 0
        longest, power = lengths[-1], 1.0
        if len(lengths) == 2:
            power = log(known[longest] / known[lengths[0]]) / log(longest / lengths[0])
        growth: float = (point.seq_len / longest) ** min(max(power, 0.0), 2.0)
        return round(known[longest] * growth)

    def _model(self, point: Point) -> _Model:
        key = point.key
        if key not in self._models:
            least, resident = _memory(point)
            rate = RATE_SHARE * self._rates.get(point.dtype, USUAL_RATE)
            curve = point.model_dump_json(exclude={"seq_len", "device"})
            self._models[key] = _Model(
                curve=curve,
                levels=(curve, f"{point.variant} {point.backend_used}", "all"),
                call_s=CALL_S + _flops(point) / rate,
                least=least,
                resident=resident,
            )
        return self._models[key]


def _flops(point: Point) -> int:
    """By the variant's cost model; what nobody knows is taken for full attention."""
    try:
        cost = model_cost(point)
    except Exception:  # a plug-in's own; its point will say so
        cost = None
    if cost is None:
        cost = model_cost(point.model_copy(update={"variant": "full", "options": {}}))
    assert cost is not None
    return cost.flops


def _memory(point: Point) -> tuple[int, int]:
    """The least workspace of a point, and what is resident before its call; bytes."""
    variant, config = variants.get(point.variant), attention_config(point)
    size = getattr(torch, point.dtype).itemsize
    try:
        least = variant.least_workspace(
            config,
            point.batch,
            point.seq_len,
            point.direction,
            scope=point.scope,
            element_size=size,
            backend=point.backend_used or point.backend,
            options=variants.parse_options(point.variant, point.options),
        )
    except Exception:  # a plug-in's own; its point will say so
        least = None
    inputs = len(variant.core_tensors) if point.scope == "core" else 1
    inputs += point.direction == "forward+backward"
    parameters = variant.parameter_count(config) if point.scope == "layer" else 0
    elements = inputs * point.batch * point.seq_len * point.dim + parameters
    return least or 0, elements * size


def _gib(size: int) -> str:
    return f"{size / 2**30:.3g} GiB"
