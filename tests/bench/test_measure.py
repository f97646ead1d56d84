from __future__ import annotations

from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest
import torch

from bench import measure
from bench.measure import Measurer
from bench.messages import Failure, Finished, Looked, Prepared, Turn, Visit
from bench.probes.agreement import measure_agreement
from reports.schema import Point, Status

MakePoint = Callable[..., Point]


def own(make_point: MakePoint, variant: str, **changes: Any) -> Point:
    return make_point(variant=variant, backend_used="own", chunk_size=8, **changes)


def prepared(measurer: Measurer, point: Point) -> Prepared:
    answer = measurer.prepare(point)
    assert isinstance(answer, Prepared), answer
    return answer


def visited(measurer: Measurer, point: Point, seconds: float = 0.001) -> Visit:
    answer = measurer.visit(point, seconds)
    assert isinstance(answer, Visit), answer
    return answer


def failed(measurer: Measurer, point: Point) -> Failure:
    answer = measurer.prepare(point)
    assert isinstance(answer, Failure), answer
    return answer


@pytest.mark.parametrize("direction", ["forward", "forward+backward"])
@pytest.mark.parametrize(
    ("variant", "chunk", "scope"),
    [
        ("full", None, "layer"),
        ("full", None, "core"),
        ("hatrick", 8, "layer"),
        ("lsh", 8, "layer"),
        ("lsh", 8, "core"),
        ("sliding_window", 8, "layer"),
        ("sliding_window", 8, "core"),
    ],
)
def test_a_point_is_prepared_visited_and_finished(
    make_point: MakePoint, variant: str, chunk: int | None, scope: str, direction: str
) -> None:
    point = make_point(variant=variant, chunk_size=chunk, scope=scope, direction=direction)
    measurer = Measurer()
    first = prepared(measurer, point)
    assert None not in (first.flops, first.model_bytes)
    assert min(first.build_ms, first.first_call_ms) > 0 == first.compile_ms
    assert first.memory.workspace_bytes >= first.memory.output_bytes
    visit = visited(measurer, point)
    assert visit.samples_ms
    assert visit.warmup_calls >= 1
    assert (visit.hidden, visit.readings, visit.throttled) == (None, [], False)
    assert measurer.finish(point) == Finished(energy_j=None)


@pytest.mark.parametrize("direction", ["forward", "forward+backward"])
def test_a_look_sees_what_preparing_sees_without_asking_the_oracle(
    make_point: MakePoint, direction: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = make_point(variant="hatrick", chunk_size=8, direction=direction)
    whole = prepared(Measurer(), point)
    monkeypatch.setattr(measure, "measure_agreement", lambda *_: pytest.fail("the oracle is asked"))
    measurer = Measurer()
    seen = measurer.look(point)
    assert isinstance(seen, Looked), seen
    assert seen.workspace_bytes == whole.memory.workspace_bytes
    assert seen.distance_to_full == whole.agreement.distance_to_full
    # It is warm enough for a turn.
    assert isinstance(measurer.turn(point, 0), Turn)


def test_what_took_short_turns_is_warmed_up_anew_when_it_is_prepared(
    make_point: MakePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.sampler.LONG_CALL_MS", 0.0)  # a later visit would not warm up
    point, measurer = make_point(), Measurer()
    for _ in range(2):
        assert isinstance(measurer.turn(point, 0), Turn)
    prepared(measurer, point)
    assert visited(measurer, point).warmup_calls >= 1


@pytest.mark.parametrize("variant", ["shortens", "raises"])
def test_a_look_at_one_that_fails_is_a_failure(
    make_point: MakePoint, misbehaving: Path, variant: str
) -> None:
    answer = Measurer().look(own(make_point, variant))
    assert isinstance(answer, Failure), answer
    # A wrong value is the oracle's business; a distance that is no number is none.
    strange = Measurer().look(own(make_point, "breaks"))
    assert isinstance(strange, Looked)
    assert strange.distance_to_full is None


def test_backward_takes_more_of_everything(make_point: MakePoint) -> None:
    forward = prepared(Measurer(), make_point())
    both = prepared(Measurer(), make_point(direction="forward+backward"))
    assert both.memory.workspace_bytes > forward.memory.workspace_bytes
    assert (forward.flops, both.flops) == (forward.flops, 3 * (forward.flops or 0))


def test_numbers_do_not_depend_on_what_was_measured_before(make_point: MakePoint) -> None:
    point = make_point(variant="lsh", chunk_size=8, direction="forward+backward")
    alone = prepared(Measurer(), point)
    measurer = Measurer()
    prepared(measurer, make_point(seq_len=100))
    visited(measurer, make_point(seq_len=100))
    after = prepared(measurer, point)
    assert after.agreement == alone.agreement
    mine, theirs = after.memory.model_dump(), alone.memory.model_dump()
    for figure in (
        "resident_before_bytes",
        "resident_peak_bytes",
    ):  # the process's, not the point's
        del mine[figure], theirs[figure]
    assert mine == theirs


def test_both_directions_share_one_agreement_check(
    make_point: MakePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[Point] = []

    def count(case: Any, point: Point) -> object:
        checked.append(point)
        return measure_agreement(case, point)

    monkeypatch.setattr(measure, "measure_agreement", count)
    measurer = Measurer()
    first = prepared(measurer, make_point())
    second = prepared(measurer, make_point(direction="forward+backward"))
    assert first.agreement == second.agreement
    assert len(checked) == 1
    prepared(measurer, make_point(seed=1))
    assert len(checked) == 2


def test_a_variant_that_raises(make_point: MakePoint, misbehaving: Path) -> None:
    failure = failed(Measurer(), own(make_point, "raises"))
    assert failure.status is Status.CRASHED
    assert failure.reason == "RuntimeError: no luck today (while it was first called)"
    assert not failure.restart


def test_points_that_wait_make_room_before_one_runs_out_of_memory(
    make_point: MakePoint, misbehaving: Path
) -> None:
    measurer, waiting = Measurer(), make_point()
    prepared(measurer, waiting)
    assert len(measurer._built) == 1
    assert failed(measurer, own(make_point, "devours")).status is Status.OUT_OF_MEMORY
    assert len(measurer._built) == 0
    assert visited(measurer, waiting).samples_ms


def test_one_that_has_memory_alone_is_not_out_of_memory(
    make_point: MakePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    measurer = Measurer()
    prepared(measurer, make_point(seed=1))
    real = measure.measure_memory

    def too_little_beside_another(case: Any, monitor: Any) -> object:
        if len(measurer._built) > 1:
            raise MemoryError
        return real(case, monitor)

    monkeypatch.setattr(measure, "measure_memory", too_little_beside_another)
    prepared(measurer, make_point())


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), Status.OUT_OF_MEMORY),
        (MemoryError(), Status.OUT_OF_MEMORY),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling"), Status.OUT_OF_MEMORY),
        (ValueError("out of memory"), Status.CRASHED),
        (RuntimeError("an illegal memory access was encountered"), Status.CRASHED),
    ],
)
def test_what_counts_as_out_of_memory(
    make_point: MakePoint, monkeypatch: pytest.MonkeyPatch, error: Exception, status: Status
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(measure, "fill_heap", fail)  # at no stage: none is told
    failure = Measurer().visit(make_point(), 0.001)
    assert isinstance(failure, Failure)
    assert failure.status is status
    assert failure.reason == f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("direction", ["forward", "forward+backward"])
@pytest.mark.parametrize(
    ("variant", "scope", "reason"),
    [
        ("shortens", "core", "of shape (2, 2, 24, 8), got (2, 2, 23, 8)"),
        ("breaks", "layer", "32 of 768 values of the output are not finite"),
    ],
)
def test_an_answer_that_disagrees_reads_back_from_its_line(
    make_point: MakePoint, misbehaving: Path, variant: str, scope: str, reason: str, direction: str
) -> None:
    failure = failed(Measurer(), own(make_point, variant, scope=scope, direction=direction))
    assert failure.status is Status.DISAGREES
    assert reason in failure.reason
    read = Failure.model_validate_json(failure.model_dump_json())
    assert read.agreement is not None
    assert read.agreement.oracle_error == read.agreement.oracle_max_error == inf


def test_a_cost_model_that_raises_costs_no_figure(
    make_point: MakePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_cost(point: Point) -> None:
        raise RuntimeError("no idea")

    monkeypatch.setattr("bench.measure.model_cost", no_cost)
    answer = prepared(Measurer(), make_point())
    assert answer.flops is answer.model_bytes is None


@pytest.mark.parametrize("has_prepared", [True, False])
def test_the_heap_is_filled_to_what_is_needed_and_amply_where_that_is_not_known(
    make_point: MakePoint, monkeypatch: pytest.MonkeyPatch, has_prepared: bool
) -> None:
    filled: list[int] = []
    monkeypatch.setattr(measure, "fill_heap", filled.append)
    measurer, point = Measurer(), make_point()
    needed = measure.UNKNOWN_WORKSPACE
    if has_prepared:
        needed = prepared(measurer, point).memory.workspace_bytes
    visited(measurer, point)
    visited(measurer, point)
    assert filled == [needed]


def test_counts_are_made_where_they_are_asked_for(make_point: MakePoint) -> None:
    point = make_point(variant="hatrick", chunk_size=8)
    answer = Measurer().prepare(point, count=True)
    assert isinstance(answer, Prepared)
    assert answer.counts is not None
    assert answer.counts.flops
    without = prepared(Measurer(), point)
    assert without.counts is None
    assert without.memory.workspace_bytes == answer.memory.workspace_bytes


def test_counts_that_fail_fail_no_point(
    make_point: MakePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(case: Any) -> None:
        raise RuntimeError("cannot be counted")

    monkeypatch.setattr(measure, "measure_counts", fails)
    answer = Measurer().prepare(make_point(), count=True)
    assert isinstance(answer, Prepared)
    assert answer.counts is None


def test_counting_leaves_the_layer_ready_to_be_timed(make_point: MakePoint) -> None:
    measurer, point = Measurer(), make_point(direction="forward+backward")
    measurer.prepare(point, count=True)
    case = measurer._built.get(point).case
    assert case.layer.training
    assert all(leaf.grad is None for leaf in (*case.inputs, *case.layer.parameters()))
    assert visited(measurer, point).samples_ms
