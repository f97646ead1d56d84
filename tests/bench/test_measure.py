from __future__ import annotations

from collections.abc import Callable
from math import inf
from pathlib import Path

import pytest
import torch

from bench import measure
from bench.measure import Measurer
from reports.schema import Point, Record, Status

MakePoint = Callable[..., Point]


def own(make_point: MakePoint, variant: str, **changes: object) -> Point:
    return make_point(variant=variant, backend_used="own", chunk_size=8, **changes)


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
def test_a_record_with_all_its_figures(
    make_point: MakePoint, variant: str, chunk: int | None, scope: str, direction: str
) -> None:
    point = make_point(variant=variant, chunk_size=chunk, scope=scope, direction=direction)
    record = Measurer().measure(point, 0.001)
    assert (record.status, record.reason) == (Status.OK, "")
    assert record.latency is not None
    assert record.memory is not None
    assert record.agreement is not None
    assert record.flops is not None
    assert record.model_bytes is not None
    assert record.latency.build_ms > 0
    figures = sum(record.latency.samples_ms) + record.latency.warmup_ms + record.latency.build_ms
    assert record.wall_s * 1e3 > figures
    assert record.memory.workspace_bytes >= record.memory.output_bytes


def test_backward_takes_more_of_everything(make_point: MakePoint) -> None:
    forward = Measurer().measure(make_point(), 0.001)
    both = Measurer().measure(make_point(direction="forward+backward"), 0.001)
    assert forward.memory is not None
    assert both.memory is not None
    assert both.memory.workspace_bytes > forward.memory.workspace_bytes
    assert forward.flops is not None
    assert both.flops == 3 * forward.flops


def test_numbers_do_not_depend_on_what_was_measured_before(make_point: MakePoint) -> None:
    point = make_point(variant="lsh", chunk_size=8, direction="forward+backward")
    alone = Measurer().measure(point, 0.001)
    measurer = Measurer()
    measurer.measure(make_point(seq_len=100), 0.001)
    after = measurer.measure(point, 0.001)
    assert after.agreement == alone.agreement
    assert after.memory == alone.memory


def test_both_directions_share_one_agreement_check(
    make_point: MakePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[Point] = []
    real = measure.measure_agreement

    def count(case: object, point: Point) -> object:
        checked.append(point)
        return real(case, point)  # type: ignore[arg-type]

    monkeypatch.setattr(measure, "measure_agreement", count)
    measurer = Measurer()
    first = measurer.measure(make_point(), 0.001)
    second = measurer.measure(make_point(direction="forward+backward"), 0.001)
    assert first.agreement == second.agreement
    assert len(checked) == 1
    measurer.measure(make_point(seed=1), 0.001)
    assert len(checked) == 2


def test_a_variant_that_raises(make_point: MakePoint, misbehaving: Path) -> None:
    record = Measurer().measure(own(make_point, "raises"), 0.001)
    assert record.status is Status.CRASHED
    assert record.reason == "RuntimeError: no luck today (while it was timed)"


def test_memory_that_cannot_be_had(make_point: MakePoint, misbehaving: Path) -> None:
    record = Measurer().measure(own(make_point, "devours"), 0.001)
    assert record.status is Status.OUT_OF_MEMORY
    assert "while it was timed" in record.reason


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

    monkeypatch.setattr(measure, "build", fail)
    record = Measurer().measure(make_point(), 0.001)
    assert record.status is status
    assert record.reason.startswith(type(error).__name__)


@pytest.mark.parametrize("direction", ["forward", "forward+backward"])
def test_a_wrong_shape_disagrees(make_point: MakePoint, misbehaving: Path, direction: str) -> None:
    point = own(make_point, "shortens", scope="core", direction=direction)
    record = Measurer().measure(point, 0.001)
    assert record.status is Status.DISAGREES
    assert "of shape (2, 2, 24, 8), got (2, 2, 23, 8)" in record.reason
    assert record.latency is None


@pytest.mark.parametrize("direction", ["forward", "forward+backward"])
def test_an_output_that_is_not_finite_disagrees_and_reads_back(
    make_point: MakePoint, misbehaving: Path, direction: str
) -> None:
    record = Measurer().measure(own(make_point, "breaks", direction=direction), 0.001)
    assert record.status is Status.DISAGREES
    assert record.reason == "32 of 768 values of the output are not finite"
    read = Record.model_validate_json(record.model_dump_json())
    assert read.agreement is not None
    assert read.agreement.oracle_error == inf


def test_a_cost_model_that_raises_costs_no_figure(
    make_point: MakePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_cost(point: Point) -> None:
        raise RuntimeError("no idea")

    monkeypatch.setattr("bench.measure.model_cost", no_cost)
    record = Measurer().measure(make_point(), 0.001)
    assert record.status is Status.OK
    assert record.latency is not None
    assert record.flops is None
