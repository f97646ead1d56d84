"""What only a CUDA device can show, end to end: graphs, a poisoned context, memory that runs out,
cold calls, hidden launches, energy, and a sweep."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import get_args

import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner

import variants
from bench.cli import app
from bench.device import model_name
from bench.messages import Answer, Failure, Finished, Prepared, Visit
from bench.points import attention_config
from bench.probes import nvml
from bench.probes.time import cache_bytes, take_samples, timer
from bench.supervisor import Supervisor
from reports.runfile import read_run
from reports.schema import Direction, Point, Status

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
CUDA = torch.device("cuda:0")
POISONOUS = """
import torch
from variants import register_core


def everything(query, key, *, causal, chunk_size):
    return torch.ones((), dtype=torch.bool).expand(query.shape[0], key.shape[0])


@register_core("poisons", visible=everything)
def poisons(q, k, v, *, causal, chunk_size, key_padding_mask):
    beyond = torch.full((1,), 1 << 40, device=q.device)
    return q + v.flatten()[beyond].sum()


@register_core("devours", visible=everything)
def devours(q, k, v, *, causal, chunk_size, key_padding_mask):
    return q + torch.empty(1 << 50, dtype=torch.uint8, device=q.device).sum()
"""
MakePoint = Callable[..., Point]


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    """One that has loaded attentions that break the device."""
    path = tmp_path_factory.mktemp("plugin") / "poisonous.py"
    path.write_text(POISONOUS)
    with Supervisor([str(path)], seconds=0.05, timeout=120) as supervisor:
        yield supervisor


@pytest.fixture
def on_cuda(make_point: MakePoint) -> MakePoint:
    """A point on the device, with changes."""

    def make(**changes: object) -> Point:
        here = {"device": "cuda:0", "device_name": model_name(CUDA), "cache": "cold"}
        return make_point(**here | {"dtype": "bfloat16", "dim": 128, "seq_len": 256} | changes)

    return make


def measured(worker: Supervisor, point: Point) -> tuple[Visit, Finished]:
    """A point's first visit and its end; anything else fails the test."""
    prepared: Answer = worker.ask("prepare", point)
    assert isinstance(prepared, Prepared), prepared
    visit = worker.ask("visit", point)
    assert isinstance(visit, Visit), visit
    finished = worker.ask("finish", point)
    assert isinstance(finished, Finished), finished
    return visit, finished


@pytest.mark.parametrize("direction", get_args(Direction))
@pytest.mark.parametrize("name", ["hatrick", "full", "sliding_window", "lsh"])
def test_a_variant_is_captured_and_replayed(
    worker: Supervisor, on_cuda: MakePoint, name: str, direction: Direction
) -> None:
    point = on_cuda(variant=name, chunk_size=None if name == "full" else 64, direction=direction)
    support = variants.get(name).support(
        attention_config(point), CUDA, torch.bfloat16, direction=direction
    )
    assert support.ok, support.reason
    answer = worker.ask("prepare", point := on_graph(point, support.backend))
    if isinstance(answer, Failure):  # what waits for the device cannot be captured, and says so
        assert name == "lsh", answer.reason
        assert answer.status is Status.CRASHED
        assert "captured in a CUDA graph" in answer.reason
        return
    assert isinstance(answer, Prepared)
    assert answer.capture_ms > 0
    assert min(measured(worker, point)[0].samples_ms) > 0


def on_graph(point: Point, backend: str) -> Point:
    return point.model_copy(update={"cuda_graph": True, "backend_used": backend})


def test_a_poisoned_context_costs_the_worker_and_no_other_point(
    worker: Supervisor, on_cuda: MakePoint
) -> None:
    measured(worker, on_cuda())
    answer = worker.ask("prepare", on_cuda(variant="poisons", backend_used="own", chunk_size=8))
    assert isinstance(answer, Failure)
    assert answer.status is Status.CRASHED
    assert answer.restart
    assert isinstance(worker.ask("prepare", on_cuda()), Prepared)
    assert worker.starting_s > 0.1  # a new one: importing torch takes longer
    measured(worker, on_cuda())


def test_memory_that_runs_out_is_told_and_the_next_point_has_it_again(
    worker: Supervisor, on_cuda: MakePoint
) -> None:
    answer = worker.ask("prepare", on_cuda(variant="devours", backend_used="own", chunk_size=8))
    assert isinstance(answer, Failure)
    assert answer.status is Status.OUT_OF_MEMORY
    measured(worker, on_cuda())


@pytest.mark.parametrize("name", ["hatrick", "full"])
def test_launches_are_hidden_where_calls_are_short(
    worker: Supervisor, on_cuda: MakePoint, name: str
) -> None:
    point = on_cuda(variant=name, chunk_size=None if name == "full" else 64)
    visits = [measured(worker, point)[0] for _ in range(5)]
    hidden = sum(visit.hidden or 0 for visit in visits)
    assert hidden / sum(len(visit.samples_ms) for visit in visits) >= 0.95


def test_a_calls_energy_is_what_the_device_may_draw(worker: Supervisor, on_cuda: MakePoint) -> None:
    monitor = nvml.open_monitor(CUDA)
    if monitor is None:
        pytest.skip("no NVML here")
    with closing(monitor):
        if monitor.energy_j() is None:
            pytest.skip("this device has no energy counter")
    visit, finished = measured(worker, on_cuda(seq_len=8192, dim=512, heads=8))
    assert finished.energy_j is not None
    # Calls back to back take about as long as samples; a busy GPU draws 10 W to 3 kW.
    assert 10 < finished.energy_j / (median(visit.samples_ms) / 1e3) < 3000


def test_the_monitor_is_found_by_the_uuid_that_torch_gives() -> None:
    monitor = nvml.open_monitor(CUDA)
    if monitor is None:
        pytest.skip("no NVML here")
    with closing(monitor):
        before = torch.empty(1 << 28, dtype=torch.uint8, device=CUDA)
        used = monitor.process_bytes(os.getpid())
    assert used is None or used > before.nbytes


class Reads:
    """Reads half as much as the last-level cache holds, from there if it may."""

    def __init__(self) -> None:
        self._values = torch.ones(cache_bytes(CUDA) // 8, device=CUDA)

    def __call__(self) -> Tensor:
        return self._values.sum()

    def clear(self) -> None:
        """There are no gradients."""


def test_a_cold_call_that_is_bound_by_memory_is_slower_than_a_warm_one() -> None:
    medians = {}
    for cache in ("cold", "warm"):
        timed = timer(Reads(), CUDA, cache)
        for _ in range(20):
            timed.warm_up()
        medians[cache] = median(take_samples(timed, least=100, most=100, seconds=0.0))
    assert medians["cold"] > medians["warm"]


def test_the_quick_sweep_ends_well(tmp_path: Path) -> None:
    out = tmp_path / "run.jsonl"
    result = CliRunner().invoke(
        app, ["sweep", "--preset", "quick", "--device", "cuda", "--out", str(out)]
    )
    assert result.exit_code == 0, result.output
    records = read_run(out).records
    assert {record.status for record in records} <= {Status.OK, Status.UNSUPPORTED}
    done = [record for record in records if record.status is Status.OK]
    assert {"hatrick", "full"} <= {record.point.variant for record in done}
    assert all(record.memory and record.memory.source.startswith("cuda") for record in done)
    assert out.with_suffix(".html").exists()
