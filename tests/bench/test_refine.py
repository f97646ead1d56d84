from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench import environment
from bench.points import Planned, expand
from bench.refine import NARROW, STEPS, new_lengths, pairs, planned, refine
from bench.spec import SweepSpec
from reports.figures import Agreement, Latency, Memory
from reports.models.crossovers import Crossover, NoCrossover
from reports.runfile import Run
from reports.schema import Point, Record, Status

SPEC = SweepSpec(
    variants=["hatrick", "full"], seq_len=[256, 512, 1024, 2048, 4096], chunk_size=[16, 64, 256]
)


def cost_ms(point: Point) -> float:
    """Full attention as T², HATrick as T (n + T/n): at n = 64 they are equal at T = 1896."""
    T, n = point.seq_len / 4000, (point.chunk_size or 0) / 4000
    return 0.5 + 8 * T**2 if point.variant == "full" else 1.0 + 60 * T * (n + 0.001 * T / n)


class Machine:
    """Measures points in no time: its speed drifts, and lengths and visits scatter.

    Args:
        effect: what a length does to a point by itself, relative.
        room: so many points; then the time is up.
    """

    def __init__(self, spec: SweepSpec, *, effect: float = 0.02, room: int = 1000) -> None:
        self.spec, self.room, self.effect = spec, room, effect
        self.rng = np.random.default_rng(0)
        self.records: list[Record] = []
        self.said: list[str] = []
        self.asked: list[list[Point]] = []

    def read(self) -> Run:
        described = environment.describe("hatrick sweep", self.spec, [torch.device("cpu")])
        return Run(Path("run.jsonl"), described, list(self.records))

    def measure(self, todo: Sequence[Planned]) -> None:
        self.asked.append([each.point for each in todo])
        for seq_len in sorted({each.point.seq_len for each in todo}):
            drift = np.exp(self.rng.normal(0, 0.1, 10))
            for each in todo:
                if each.point.seq_len == seq_len and len(self.records) < self.room:
                    self.records.append(self._record(each.point, drift))

    def _record(self, point: Point, drift: np.ndarray) -> Record:
        own = np.exp(self.rng.normal(0, self.effect) + self.rng.normal(0, 0.02, len(drift)))
        samples = np.repeat(cost_ms(point) * drift * own, 3).tolist()
        return record(
            point,
            latency=Latency(
                samples_ms=samples,
                visits=[3] * len(drift),
                rounds=[10**6 * point.seq_len + j for j in range(len(drift))],
                median_ms=float(np.median(samples)),
                q1_ms=1.0,
                q3_ms=1.0,
                low_ms=None,
                high_ms=None,
                target=0.01,
                stopped_by="time",
                build_ms=0.0,
                compile_ms=0.0,
                mask_ms=0.0,
                first_call_ms=0.0,
                warmup_ms=0.0,
                warmup_calls=1,
                stationary=True,
            ),
        )

    def refine(self) -> list[Crossover | NoCrossover]:
        refine(self.spec, self.read, self.measure, self.said.append)
        return [each.result for each in pairs(self.read())]


def record(point: Point, **changes: Any) -> Record:
    sizes = dict.fromkeys(
        ("input_bytes", "output_bytes", "parameter_bytes", "workspace_bytes", "retained_bytes"), 1
    )
    errors = ("oracle_error", "oracle_bound", "oracle_max_error", "oracle_max_bound")
    values: dict[str, Any] = {
        "key": point.key,
        "point": point,
        "status": Status.OK,
        "memory": Memory(**sizes, source="cpu allocator events"),  # type: ignore[arg-type]
        "agreement": Agreement(
            **dict.fromkeys(errors, 1e-7),  # type: ignore[arg-type]
            oracle_rows=1,
            oracle="independent",
            distance_to_full=0.5,
            cosine_to_full=0.5,
        ),
        "flops": 1,
        "model_bytes": 1,
        "started_at": datetime.now(UTC),
        "wall_s": 1.0,
    }
    return Record(**values | changes)


@pytest.fixture
def make_machine() -> Callable[..., Machine]:
    """A machine on which the sweep's own points are done."""

    def make(**changes: Any) -> Machine:
        machine = Machine(SPEC, **changes)
        machine.measure(expand(SPEC))
        machine.asked.clear()
        return machine

    return make


def test_it_measures_until_the_crossover_is_known(make_machine: Callable[..., Machine]) -> None:
    machine = make_machine()
    before = pairs(machine.read())
    assert [each.is_wide for each in before] == [True]
    (found,) = machine.refine()
    assert isinstance(found, Crossover)
    assert (found.faster, found.slower) == ("hatrick", "full")
    assert found.width <= NARROW
    assert 1 <= len(machine.asked) <= STEPS
    assert machine.said[0].startswith("full / hatrick: T = ")
    measured = sorted({point.seq_len for point in machine.asked[0]})
    assert machine.said[0].endswith(f"; measuring {', '.join(map(str, measured))}")
    assert machine.said[-1] == f"full / hatrick: T = {found.where()}, {found.width:.0%} wide"


def test_only_what_crosses_there_is_measured_at_lengths_of_its_own(
    make_machine: Callable[..., Machine],
) -> None:
    machine = make_machine()
    machine.refine()
    lengths = [{point.seq_len for point in step} for step in machine.asked]
    assert sum(map(len, lengths)) == len(set.union(*lengths, set(SPEC.seq_len))) - 5
    for step in machine.asked:
        for seq_len in {point.seq_len for point in step}:
            here = [point for point in step if point.seq_len == seq_len]
            # n = 16 is never the fastest near it, and both sides are there to take turns.
            assert ("full", None) in [(point.variant, point.chunk_size) for point in here]
            chunks = {point.chunk_size for point in here if point.variant == "hatrick"}
            assert chunks <= {64, 256}
            assert chunks


def test_a_second_refinement_measures_nothing(make_machine: Callable[..., Machine]) -> None:
    machine = make_machine()
    machine.refine()
    machine.asked.clear()
    machine.refine()
    assert machine.asked == []


def test_a_crossover_that_noise_hides_ends_with_why(
    make_machine: Callable[..., Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.refine.NARROW", 0.01)
    monkeypatch.setattr("bench.refine.STEPS", 2)
    machine = make_machine()
    machine.refine()
    assert len(machine.asked) == 2
    assert machine.said[-1].endswith("; 1% was not reached: 2 steps were not enough")


def test_it_ends_when_the_time_is_up(make_machine: Callable[..., Machine]) -> None:
    machine = make_machine(room=len(expand(SPEC)))
    machine.refine()
    assert len(machine.asked) == 1
    assert machine.said[-1].endswith(
        "; 10% was not reached: the time budget has no room for more lengths"
    )


def test_without_a_crossover_it_says_what_is_seen_and_measures_nothing() -> None:
    machine = Machine(SPEC.model_copy(update={"seq_len": [512, 1024]}))
    machine.measure(expand(machine.spec))
    machine.asked.clear()
    machine.refine()
    assert machine.asked == []
    assert machine.said == [
        "hatrick and full: not within the measured range: full is faster at every length from 512 "
        "to 1k"
    ]


def test_of_several_settings_each_is_named_and_measured_by_itself() -> None:
    spec = SPEC.model_copy(update={"dtype": ["float32", "float64"]})
    machine = Machine(spec)
    machine.measure(expand(spec))
    seen = pairs(machine.read())
    assert [each.setting for each in seen] == ["float32", "float64"]
    only = planned(spec, seen[1:])
    assert {each.point.dtype for each in only} == {"float64"}
    assert {each.point.seq_len for each in only} == set(seen[1].seq_len)


def test_what_failed_at_a_length_is_not_tried_there_again(
    make_machine: Callable[..., Machine],
) -> None:
    machine = make_machine()
    first = pairs(machine.read())[0]
    point = first.points[0].model_copy(update={"seq_len": first.seq_len[1]})
    failed = Record(
        key=point.key,
        point=point,
        status=Status.TIMEOUT,
        reason="gave no answer",
        started_at=datetime.now(UTC),
        wall_s=9.0,
    )
    machine.records.append(failed)
    assert first.seq_len[1] not in pairs(machine.read())[0].seq_len


def at(seq_len: float, low: float, high: float, longest: float = 16384.0) -> Crossover:
    return Crossover("a", "b", None, None, seq_len, low, high, shortest=64.0, longest=longest)


@pytest.mark.parametrize(
    ("crossover", "measured", "expected"),
    [
        (at(700, 600, 850), [512, 1024], [608, 704, 848]),
        (at(3000, 2500, 3600), [2048, 4096], [2496, 3008, 3584]),
        (at(9000, 7990, 10000), [8192], [7936, 8960, 9984]),
        (at(700, 600, 850), [512, 608, 704, 848, 1024], [592, 688, 864]),
        (at(100, 95, 105), [80, 96, 112], []),
        (at(300, 280, 330, longest=300.0), [], [256, 272, 288]),
    ],
)
def test_new_lengths_are_round_and_near_and_never_measured(
    crossover: Crossover, measured: list[int], expected: list[int]
) -> None:
    found = new_lengths(crossover, measured)
    assert not set(found) & set(measured)
    assert found == expected


@pytest.mark.parametrize(
    ("crossover", "chunk_sizes", "expected"),
    [
        (at(440, 390, 480), {32}, [384, 448, 480]),
        (at(440, 390, 480), {16, 64}, [384, 448]),
        (at(1000, 900, 1150), {100}, [900, 1000, 1200]),
        (at(9000, 8000, 10000), {48}, [8064, 8928, 10080]),
        (at(700, 600, 850), {512}, []),
    ],
)
def test_new_lengths_fill_their_chunks(
    crossover: Crossover, chunk_sizes: set[int], expected: list[int]
) -> None:
    assert new_lengths(crossover, [512, 1024], chunk_sizes) == expected


def test_when_all_lengths_of_a_large_chunk_size_are_measured_the_fastest_goes_on_alone(
    make_machine: Callable[..., Machine],
) -> None:
    machine = make_machine()
    machine.refine()
    (seen,) = pairs(machine.read())
    assert isinstance(seen.result, Crossover)
    large = SPEC.model_copy(update={"seq_len": [*range(1536, 2560, 256)]})
    done = {point.key for point in (each.point for each in machine.records)}
    machine.measure([each for each in expand(large) if each.point.key not in done])
    (seen,) = pairs(machine.read())
    assert {point.chunk_size for point in seen.points} == {None, 64}
    assert all(T % 64 == 0 for T in seen.seq_len)
