"""Points, measured in this process step by step: whatever happens, an answer comes of it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import torch

from bench.built import Built, BuiltPoints
from bench.case import Case
from bench.cost import model_cost
from bench.failing import during, in_words, is_out_of_memory
from bench.heap import UNKNOWN_WORKSPACE, fill_heap
from bench.messages import Answer, Failure, Finished, Looked, Prepared
from bench.probes import nvml
from bench.probes.agreement import Verdict, measure_agreement, measure_distance, not_comparable
from bench.probes.counts import measure_counts
from bench.probes.energy import energy_of_a_call
from bench.probes.memory import measure_memory
from bench.probes.once import Once
from bench.sampler import sample, short_turn, warm_up
from reports.figures import Counts
from reports.schema import Point, Status
from variants import WrongShape

LEFT_BEHIND = 256 << 20
"""Bytes on a CUDA device that a point that failed may leave behind unheeded: the workspaces that
libraries keep, and what the cache is flushed with."""
SAME_OUTPUT = 2
"""How many times the oracle's bound a replay may lie from the call it was captured from."""


class Measurer:
    """Measures points of one device. Points take turns, so several are built at a time; nothing of
    one reaches another but the agreement of its other direction, whose output is the same."""

    def __init__(self) -> None:
        self._built = BuiltPoints()
        self._verdicts: dict[str, Verdict] = {}
        self._monitors: dict[str, nvml.Monitor | None] = {}
        self._heap_is_full = False
        self._largest_workspace = 0
        self._hopeless = False
        """The device holds its clocks down, and waiting did not help."""

    def prepare(self, point: Point, *, count: bool = False) -> Answer:
        """Build a point, call it, count its memory and check its output.

        Args:
            count: count what a call does, too.
        """
        return self._whatever_happens(point, lambda: self._prepare(point, count))

    def look(self, point: Point) -> Answer:
        """Build a point, call it, count its workspace and see how far it lies from full attention;
        the oracle, which takes most of the time of `prepare`, is not asked."""
        return self._whatever_happens(point, lambda: self._look(point))

    def visit(self, point: Point, seconds: float) -> Answer:
        """Warm a point up and take a share of its samples.

        Args:
            seconds: most sampling time of the point, all visits together.
        """
        return self._whatever_happens(point, lambda: self._visit(point, seconds))

    def turn(self, point: Point, workspace_bytes: int) -> Answer:
        """Take a few samples; the first time the point is warmed up.

        Args:
            workspace_bytes: the most that a call takes of the points that come.
        """
        self._largest_workspace = max(self._largest_workspace, workspace_bytes)
        return self._whatever_happens(point, lambda: self._turn(point))

    def finish(self, point: Point) -> Answer:
        """Measure a point's energy, where the device counts it, and let go of it."""
        answer = self._whatever_happens(point, lambda: self._finish(point))
        self._built.drop(point)
        return answer

    def _prepare(self, point: Point, count: bool) -> Answer:
        started_at, start = datetime.now(UTC), perf_counter()
        built = self._build(point)
        built.warm = built.stationary = False  # as short turns had it, which is not enough here
        build_ms = (perf_counter() - start) * 1e3
        case = built.case
        with torch.set_grad_enabled(case.upstream is not None):
            with during("it was first called"), Once() as once:
                first_call_ms = built.timer.warm_up()
            _compile_each_shape_by_itself()
            with during("its memory was measured"):
                self._heap_is_full = False  # what malloc kept is given back there
                memory = measure_memory(case, self._monitor(point))
        self._largest_workspace = max(self._largest_workspace, memory.workspace_bytes)
        with during("its output was compared with the oracle"):
            verdict = self._verdict(case, point)
        case.layer.train(case.upstream is not None)
        if verdict.wrong:  # how fast a wrong answer came is nobody's business
            self._built.drop(point)
            return Failure(
                status=Status.DISAGREES, reason=verdict.wrong, agreement=verdict.agreement
            )
        capture_ms = 0.0
        if point.cuda_graph:
            with during("it was captured in a CUDA graph"):
                capture_ms, wrong = self._capture(point, verdict.agreement.oracle_bound)
            if wrong:
                self._built.drop(point)
                return Failure(status=Status.DISAGREES, reason=wrong, agreement=verdict.agreement)
        flops, model_bytes = _cost(point)
        return Prepared(
            capture_ms=capture_ms,
            started_at=started_at,
            build_ms=build_ms,
            compile_ms=once.compile_ms,
            mask_ms=once.mask_ms,
            first_call_ms=first_call_ms,
            memory=memory,
            agreement=verdict.agreement,
            flops=flops,
            model_bytes=model_bytes,
            counts=_counts(case) if count else None,
        )

    def _look(self, point: Point) -> Answer:
        built = self._build(point)
        case = built.case
        with torch.set_grad_enabled(case.upstream is not None):
            with during("it was first called"):
                built.timer.warm_up()
            _compile_each_shape_by_itself()
            with during("its memory was measured"):
                self._heap_is_full = False  # what malloc kept is given back there
                memory = measure_memory(case, self._monitor(point))
            built.call_ms = built.timer.warm_up()
            built.warm = True  # as far as a short turn needs it
        self._largest_workspace = max(self._largest_workspace, memory.workspace_bytes)
        with during("its output was compared with full attention"):
            distance = measure_distance(case, point)
        case.layer.train(case.upstream is not None)
        return Looked(workspace_bytes=memory.workspace_bytes, distance_to_full=distance)

    def _visit(self, point: Point, seconds: float) -> Answer:
        built, monitor = self._ready(point)
        with torch.set_grad_enabled(built.case.upstream is not None), during("it was timed"):
            if point.cuda_graph:
                self._built.capture(point)
            warmup = warm_up(built, seconds)
            return sample(built, warmup, seconds, monitor)

    def _turn(self, point: Point) -> Answer:
        built, _ = self._ready(point)
        with torch.set_grad_enabled(built.case.upstream is not None), during("it was timed"):
            if point.cuda_graph:
                self._built.capture(point)
            return short_turn(built)

    def _ready(self, point: Point) -> tuple[Built, nvml.Monitor | None]:
        """A point that is built on a device that is fit to be timed on."""
        built = self._build(point)
        if point.device == "cpu" and point.allocator == "kept" and not self._heap_is_full:
            fill_heap(self._largest_workspace or UNKNOWN_WORKSPACE)
            self._heap_is_full = True
        monitor = self._monitor(point)
        self._let_cool(monitor)
        return built, monitor

    def _finish(self, point: Point) -> Answer:
        monitor = self._monitor(point)
        if monitor is None:
            return Finished()
        built = self._build(point)
        with torch.set_grad_enabled(built.case.upstream is not None), during("it was repeated"):
            if point.cuda_graph:
                self._built.capture(point)
            device = torch.device(point.device)
            return Finished(energy_j=energy_of_a_call(built.call, monitor, device))

    def _capture(self, point: Point, bound: float) -> tuple[float, str]:
        """Milliseconds of the capture, and what is wrong with the replay's output, if anything."""
        case, start = self._built.get(point).case, perf_counter()
        with torch.set_grad_enabled(case.upstream is not None):
            replay = self._built.capture(point).call
            capture_ms = (perf_counter() - start) * 1e3
            with torch.no_grad():
                expected = case.forward().double()
            off = torch.linalg.vector_norm(replay().double() - expected)
        error = float(off / torch.linalg.vector_norm(expected))
        if error <= SAME_OUTPUT * bound:
            return capture_ms, ""
        return capture_ms, f"the CUDA graph's output is {error:.3g} off that of the call itself"

    def _let_cool(self, monitor: nvml.Monitor | None) -> None:
        """Wait while the device holds its clocks down; where that was in vain, not once more."""
        if monitor is None:
            return
        if self._hopeless:
            self._hopeless = nvml.held_back(monitor.read())
        else:
            self._hopeless = not nvml.wait_until_released(monitor, nvml.COOLING_S)

    def _build(self, point: Point) -> Built:
        if not len(self._built):
            _forget_earlier_points()
        with during("it was built"):
            return self._built.get(point)

    def _monitor(self, point: Point) -> nvml.Monitor | None:
        if point.device not in self._monitors:
            self._monitors[point.device] = nvml.open_monitor(torch.device(point.device))
        return self._monitors[point.device]

    def _verdict(self, case: Case, point: Point) -> Verdict:
        key = point.model_copy(update={"direction": "forward"}).key
        if key not in self._verdicts:
            self._verdicts[key] = measure_agreement(case, point)
        return self._verdicts[key]

    def _whatever_happens(self, point: Point, step: Callable[[], Answer]) -> Answer:
        try:
            try:
                return step()
            except Exception as error:
                # Points that wait for their visit take memory that this one alone would have had.
                if not (is_out_of_memory(error) and self._built.drop_all_but(point)):
                    raise
            self._built.drop(point)
            _forget_earlier_points()
            return step()
        except WrongShape as error:
            verdict = not_comparable(point, str(error))
            failure = Failure(
                status=Status.DISAGREES, reason=verdict.wrong, agreement=verdict.agreement
            )
        except Exception as error:  # a variant may raise anything
            status = Status.OUT_OF_MEMORY if is_out_of_memory(error) else Status.CRASHED
            failure = Failure(status=status, reason=in_words(error))
        self._built.drop(point)
        no_memory = failure.status is Status.OUT_OF_MEMORY
        return failure.model_copy(
            update={"restart": self._is_unfit(point, out_of_memory=no_memory)}
        )

    def _is_unfit(self, point: Point, *, out_of_memory: bool) -> bool:
        """Whether the device is not as it was before a point that failed."""
        if point.device == "cpu":
            # What the variant still holds, nobody can tell from what malloc keeps.
            return out_of_memory
        if not torch.cuda.is_initialized():
            return False
        device = torch.device(point.device)
        try:
            gc.collect()
            torch.cuda.synchronize(device)
            torch.cuda.empty_cache()
            left = torch.cuda.memory_allocated(device) - self._built.bytes
        except Exception:  # an error in a kernel poisons the context: every later call raises
            return True
        return left > LEFT_BEHIND


def _cost(point: Point) -> tuple[int, int] | tuple[None, None]:
    """What the variant's own model says; nothing where it fails: no other figure rests on it."""
    try:
        cost = model_cost(point)
    except Exception:  # a plug-in's own code may raise anything
        cost = None
    return (None, None) if cost is None else (cost.flops, cost.bytes)


def _counts(case: Case) -> Counts | None:
    """Nothing where counting fails: no other figure rests on it."""
    try:
        return measure_counts(case)
    except Exception:  # a plug-in's own code may raise anything
        return None


def _forget_earlier_points() -> None:
    """Make a point's numbers independent of those measured before it in this process."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if "torch._dynamo" in sys.modules:
        torch.compiler.reset()


def _compile_each_shape_by_itself() -> None:
    """Otherwise a second shape is compiled for any shape, and the ninth not at all. To be called
    after a first call: what has not compiled by then has not imported the compiler."""
    if "torch._dynamo" in sys.modules:
        dynamo: Any = torch._dynamo.config
        dynamo.automatic_dynamic_shapes = False
        dynamo.recompile_limit = max(dynamo.recompile_limit, 256)
