"""What the fixture `attention_benchmark` does: one attention in a test, checked, counted and timed.

The point is built, checked and counted as in a sweep, by the same code. It is timed by
pytest-benchmark, a call a round, in the process of the tests. So malloc and idle threads are as the
environment has them, all samples make one visit, which is too few for an interval of the median,
and on CUDA a sample holds the time that Python takes to queue the call. That process is its user's:
garbage collection and the compiler are afterwards as they were found.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from math import ceil
from pathlib import Path
from statistics import median
from time import perf_counter, time
from typing import Any, NoReturn, Protocol

import pytest
import torch
from torch import Tensor

from bench.built import Built, BuiltPoints
from bench.case import build
from bench.contention import Contender
from bench.course import Course
from bench.environment import describe
from bench.failing import during
from bench.measure import Measurer
from bench.messages import Failure, Finished, Prepared, Visit
from bench.one_benchmark import Attention, one_point, registered_name
from bench.points import load_plugins
from bench.probes import nvml
from bench.probes.agreement import measure_agreement
from bench.probes.graph_breaks import _dynamo_as_it_was
from bench.sampler import warm_up
from bench.spec import SpecError, SweepSpec
from bench.stopping import MAX_SAMPLES
from hatrick.flex import flex_kernel
from reports.formats.points import attention, setting
from reports.formats.pytest_benchmark import extra_info
from reports.schema import Environment, Point, Status
from variants import WrongShape
from variants.registry import is_plugin_file


class Benchmark(Protocol):
    """What is used of pytest-benchmark's fixture `benchmark`."""

    group: str | None
    enabled: bool
    extra_info: dict[str, Any]
    stats: Any

    def pedantic(
        self, target: Callable[[], object], *, setup: Callable[[], None], rounds: int = 1
    ) -> object:
        """Call `setup` and time `target`, so many times."""


class AttentionBenchmark:
    """The value of the fixture `attention_benchmark`; call it once in a test."""

    def __init__(self, benchmark: Benchmark, request: pytest.FixtureRequest) -> None:
        self._benchmark = benchmark
        self._request = request
        self.devices: set[str] = set()
        """What it measured on."""
        self.plugins: set[str] = set()
        """Those that were loaded for it."""

    def __call__(
        self, variant: Attention, *, plugin: str | Path | None = None, **fields: Any
    ) -> None:
        """Check an attention's output against its oracle, count its memory and operators, and time
        it. Under `--benchmark-disable` it is called once and checked.

        Args:
            variant: a registered name, with options as in `hatrick sweep` (`lsh:rounds=1`); or the
                class or function that `variants.register` or `register_core` stands above.
            plugin: a Python file, relative to the test's own or to the current folder, or a module
                by its dotted name, that registers it.
            fields: one value for `seq_len` (needed) and for any of chunk_size, direction, causal,
                backend, scope, dtype, device, dim, heads, batch and seed. The defaults are a
                sweep's, on the first CUDA device where there is one, and there in bfloat16.

        A wrong answer, or a mistake in the call, fails the test in a sentence; what cannot run on
        this machine skips it. What a variant raises is raised.
        """
        try:
            self.plugins = self._plugins(plugin)
            load_plugins(sorted(self.plugins))
            planned = one_point(registered_name(variant), **fields)
        except SpecError as error:
            _fail(str(error))
        if planned.unsupported:
            pytest.skip(f"{attention(planned.point)}: {planned.unsupported}")
        point = planned.point
        device = torch.device(point.device)
        if device.type == "cuda":
            torch.cuda.set_device(device)
        if self._benchmark.group is None:
            self._benchmark.group = setting(point)
        if self._benchmark.enabled:
            self._measure(point, device)
        else:
            self._check(point)

    def _plugins(self, plugin: str | Path | None) -> set[str]:
        named = set(self._request.config.getoption("hatrick_plugin"))
        if plugin is None:
            return named
        beside = self._request.path.parent / plugin
        return named | {str(beside if is_plugin_file(plugin) and beside.is_file() else plugin)}

    def _check(self, point: Point) -> None:
        """Call it once, and compare its output."""
        case = build(point)
        try:
            verdict = measure_agreement(case, point)
        except WrongShape as error:
            _fail(f"{attention(point)}: {error}")
        if verdict.wrong:
            _fail(f"{attention(point)}: {verdict.wrong}")
        case.layer.train(case.upstream is not None)
        with torch.set_grad_enabled(case.upstream is not None):
            self._benchmark.pedantic(case, setup=case.clear)

    def _measure(self, point: Point, device: torch.device) -> None:
        if point.backend_used == "flex":
            # It raises the compiler's limit once, for whoever calls it later, too: that stays.
            flex_kernel(device)
        with _compiler_as_it_was():
            self._measure_there(point, device)

    def _measure_there(self, point: Point, device: torch.device) -> None:
        start = perf_counter()
        course = Course(point, prepared=_prepare(point))
        built = BuiltPoints().get(point)
        with torch.set_grad_enabled(built.case.upstream is not None):
            warmup = warm_up(built, self._setting("max_time"))
            rounds = self._rounds(median(warmup[len(warmup) // 2 :]))
            course.visits.append(self._time(built, device, warmup, rounds))
        course.wall_s = perf_counter() - start
        record = course.finished(
            Finished(),
            target=SweepSpec().target,
            why="samples" if rounds == MAX_SAMPLES else "time",
        )
        self._benchmark.extra_info.update(extra_info(record))
        self.devices.add(point.device)

    def _time(self, built: Built, device: torch.device, warmup: list[float], rounds: int) -> Visit:
        """Have pytest-benchmark take the samples, and look what the machine does meanwhile."""
        on_cuda = device.type == "cuda"

        def call() -> Tensor:
            output = built.call()
            if on_cuda:
                torch.cuda.synchronize(device)
            return output

        monitor = nvml.open_monitor(device)
        readings = [monitor.read()] if monitor else []
        began, contender, start = int(time() * 1e3), Contender(), perf_counter()
        collecting = gc.isenabled()
        gc.disable()  # a collection in the middle of a call would be counted as the call's
        try:
            self._benchmark.pedantic(call, setup=built.call.clear, rounds=rounds)
        finally:
            if collecting:
                gc.enable()
        sampling_s, contention = perf_counter() - start, contender.since()
        readings += [monitor.read()] if monitor else []
        return Visit(
            round=began,
            samples_ms=[1e3 * seconds for seconds in self._benchmark.stats["data"]],
            sampling_s=sampling_s,
            warmup_ms=sum(warmup),
            warmup_calls=len(warmup),
            stationary=built.stationary,
            hidden=0 if on_cuda else None,
            throttled=any(map(nvml.held_back, readings)),
            readings=readings,
            contention=contention,
        )

    def _rounds(self, call_ms: float) -> int:
        """As many as fill `--benchmark-max-time`, and `--benchmark-min-rounds` at least."""
        filling = ceil(1e3 * self._setting("max_time") / call_ms)
        return max(int(self._setting("min_rounds")), min(filling, MAX_SAMPLES))

    def _setting(self, name: str) -> float:
        """An option of pytest-benchmark; the test's own mark wins."""
        mark = self._request.node.get_closest_marker("benchmark")
        given = mark.kwargs if mark else {}
        return float(given.get(name, self._request.config.getoption(f"benchmark_{name}")))


class Guest(Measurer):
    """Measures in a process that is not its own, where others have compiled what they use."""

    def _build(self, point: Point) -> Built:
        """As anywhere, but nobody's compiled code is forgotten before."""
        gc.collect()
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        with during("it was built"):
            return self._built.get(point)


@contextmanager
def _compiler_as_it_was() -> Iterator[None]:
    """Take back what measuring does to the compiler: its settings, and the code that is compiled,
    so that the next benchmark compiles its own again, whatever was measured before it."""
    with _dynamo_as_it_was(), torch._dynamo.config.patch(automatic_dynamic_shapes=False):
        yield


def describe_process(command: str, plugins: Sequence[str], devices: Sequence[str]) -> Environment:
    """The environment of benchmarks that this process has made.

    Args:
        plugins: files and modules that registered attentions.
        devices: what was measured on.
    """
    spec = SweepSpec(plugin=list(plugins))
    found = describe(command, spec, [torch.device(device) for device in devices])
    timer = {"pytest-benchmark": version("pytest-benchmark")}
    # It was no sweep: what a sweep's keys would say is not so.
    own = {"spec": {"plugin": spec.plugin}, "threads": torch.get_num_threads()}
    return found.model_copy(update=own | {"packages": found.packages | timer})


def _prepare(point: Point) -> Prepared:
    """The figures that are counted, from a pass of their own."""
    answer = Guest().prepare(point, count=True)
    if isinstance(answer, Failure):
        if answer.status is Status.CRASHED:
            case = build(point)
            with torch.set_grad_enabled(case.upstream is not None):
                case()  # raises it again, with its traceback
        _fail(f"{attention(point)}: {answer.reason}")
    assert isinstance(answer, Prepared)  # no other answer is there to this
    return answer


def _fail(sentence: str) -> NoReturn:
    pytest.fail(sentence, pytrace=False)
