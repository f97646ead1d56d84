"""Points, measured in this process step by step: whatever happens, an answer comes of it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from math import ceil
from time import perf_counter

import torch

from bench.built import Built, BuiltPoints
from bench.case import Case
from bench.contention import Contender
from bench.cost import model_cost
from bench.heap import fill_heap
from bench.messages import Answer, Failure, Finished, Prepared, Visit
from bench.probes import nvml
from bench.probes.agreement import Verdict, measure_agreement, not_comparable
from bench.probes.energy import energy_of_a_call
from bench.probes.memory import measure_memory
from bench.probes.once import Once
from bench.probes.time import take_samples
from bench.stopping import MAX_SAMPLES, MIN_VISITS, min_samples, stationary
from reports.schema import Point, Status
from variants import WrongShape

OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "ALLOC_FAILED", "out of memory")
"""How the allocators of torch that raise a plain RuntimeError say it."""
VISITS = 20
"""About how many visits share a point's sampling time."""
LEAST_WARMUP_S = 0.1
WARMUP_SHARE = 0.5
"""Of a point's sampling time, what its warm-up may take before it is cut short; a second in any
case, and `LEAST_TRIED` calls."""
LEAST_TRIED = 8
REWARM_S = 0.005
"""At the start of every visit: what other points left in the caches is pushed out again."""
LONG_CALL_MS = 250.0
"""From here on a call needs no such thing: in `docs/measuring.md` its first sample in a visit is
like the others."""
COOLING_S = 30.0
"""How long a visit waits for a device that holds its clocks down."""
LEFT_BEHIND = 64 << 20
"""Bytes on a CUDA device that a point that failed may leave behind unheeded."""


class Measurer:
    """Measures points of one device. Points take turns, so several are built at a time; nothing of
    one reaches another but the agreement of its other direction, whose output is the same."""

    def __init__(self) -> None:
        self._built = BuiltPoints()
        self._verdicts: dict[str, Verdict] = {}
        self._monitors: dict[str, nvml.Monitor | None] = {}
        self._heap_is_full = False
        self._largest_workspace = 0

    def prepare(self, point: Point) -> Answer:
        """Build a point, call it, count its memory and check its output."""
        return self._whatever_happens(point, lambda: self._prepare(point))

    def visit(self, point: Point, seconds: float) -> Answer:
        """Warm a point up and take a share of its samples.

        Args:
            seconds: most sampling time of the point, all visits together.
        """
        return self._whatever_happens(point, lambda: self._visit(point, seconds))

    def finish(self, point: Point) -> Answer:
        """Measure a point's energy, where the device counts it, and let go of it."""
        answer = self._whatever_happens(point, lambda: self._finish(point))
        self._built.drop(point)
        return answer

    def _prepare(self, point: Point) -> Answer:
        started_at, start = datetime.now(UTC), perf_counter()
        built = self._build(point)
        build_ms = (perf_counter() - start) * 1e3
        case = built.case
        with torch.set_grad_enabled(case.upstream is not None):
            with _while("it was first called"), Once() as once:
                first_call_ms = built.timer.warm_up()
            with _while("its memory was measured"):
                self._heap_is_full = False  # what malloc kept is given back there
                memory = measure_memory(case, self._monitor(point))
        self._largest_workspace = max(self._largest_workspace, memory.workspace_bytes)
        with _while("its output was compared with the oracle"):
            verdict = self._verdict(case, point)
        case.layer.train(case.upstream is not None)
        if verdict.wrong:  # how fast a wrong answer came is nobody's business
            self._built.drop(point)
            return Failure(
                status=Status.DISAGREES, reason=verdict.wrong, agreement=verdict.agreement
            )
        flops, model_bytes = _cost(point)
        return Prepared(
            started_at=started_at,
            build_ms=build_ms,
            compile_ms=once.compile_ms,
            mask_ms=once.mask_ms,
            first_call_ms=first_call_ms,
            memory=memory,
            agreement=verdict.agreement,
            flops=flops,
            model_bytes=model_bytes,
        )

    def _visit(self, point: Point, seconds: float) -> Answer:
        built = self._build(point)
        if point.device == "cpu" and point.allocator == "kept" and not self._heap_is_full:
            fill_heap(self._largest_workspace)
            self._heap_is_full = True
        monitor = self._monitor(point)
        if monitor:
            nvml.wait_until_released(monitor, COOLING_S)
        with torch.set_grad_enabled(built.case.upstream is not None), _while("it was timed"):
            if point.cuda_graph:
                self._built.capture(point)
            warmup = _warm_up(built, seconds)
            return _sample(built, warmup, seconds, monitor)

    def _finish(self, point: Point) -> Answer:
        monitor = self._monitor(point)
        if monitor is None:
            return Finished()
        built = self._build(point)
        with torch.set_grad_enabled(built.case.upstream is not None), _while("it was repeated"):
            return Finished(energy_j=energy_of_a_call(built.call, monitor))

    def _build(self, point: Point) -> Built:
        if not len(self._built):
            _forget_earlier_points()
        with _while("it was built"):
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
                if not (_is_out_of_memory(error) and self._built.drop_all_but(point)):
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
            status = Status.OUT_OF_MEMORY if _is_out_of_memory(error) else Status.CRASHED
            failure = Failure(status=status, reason=_in_words(error))
        self._built.drop(point)
        return failure.model_copy(update={"restart": self._is_unfit(point)})

    def _is_unfit(self, point: Point) -> bool:
        """Whether the device is not as it was before a point that failed."""
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


def _warm_up(built: Built, seconds: float) -> list[float]:
    """Call until the calls take the same time; at later visits, until the caches are its own."""
    calls: list[float] = []
    if built.warm and built.call_ms > LONG_CALL_MS:
        return calls
    start = perf_counter()
    most = max(1.0, WARMUP_SHARE * seconds)
    while True:
        built.call_ms = built.timer.warm_up()
        calls.append(built.call_ms)
        spent, n = perf_counter() - start, len(calls)
        if built.warm:
            if spent >= REWARM_S:
                return calls
        elif n > 1 and n & (n - 1) == 0 and spent >= LEAST_WARMUP_S and stationary(calls):
            built.warm = built.stationary = True  # asked after 2, 4, 8, … calls: see `stationary`
            return calls
        elif n >= LEAST_TRIED and spent > most:
            built.warm = True
            return calls


def _sample(
    built: Built, warmup: list[float], seconds: float, monitor: nvml.Monitor | None
) -> Visit:
    """One visit's samples, and what the machine did meanwhile."""
    readings = [monitor.read()] if monitor else []
    timed = built.timer
    timed.hidden = None if timed.hidden is None else 0
    contender = Contender()
    gc.disable()  # a collection in the middle of a call would be counted as the call's
    try:
        samples = take_samples(
            timed,
            least=ceil(min_samples(built.call_ms) / MIN_VISITS),
            most=MAX_SAMPLES // VISITS,
            seconds=seconds / VISITS,
        )
    finally:
        gc.enable()
    contention = contender.since()
    readings += [monitor.read()] if monitor else []
    return Visit(
        samples_ms=samples,
        warmup_ms=sum(warmup),
        warmup_calls=len(warmup),
        stationary=built.stationary,
        hidden=timed.hidden,
        throttled=any(map(nvml.held_back, readings)),
        readings=readings,
        contention=contention,
    )


def _cost(point: Point) -> tuple[int, int] | tuple[None, None]:
    """What the variant's own model says; nothing where it fails: no other figure rests on it."""
    try:
        cost = model_cost(point)
    except Exception:  # a plug-in's own code may raise anything
        cost = None
    return (None, None) if cost is None else (cost.flops, cost.bytes)


def _forget_earlier_points() -> None:
    """Make a point's numbers independent of those measured before it in this process."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if "torch._dynamo" in sys.modules:
        # Otherwise a second shape would be compiled for any shape, and the ninth not at all.
        torch.compiler.reset()
        torch._dynamo.config.automatic_dynamic_shapes = False


@contextmanager
def _while(stage: str) -> Iterator[None]:
    """Note on an exception at which stage it came."""
    try:
        yield
    except Exception as error:
        error.add_note(stage)
        raise


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in OUT_OF_MEMORY)


def _in_words(error: Exception) -> str:
    """`Type: message` and the stage, on few lines."""
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    message = " ".join(lines[:3])[:500]
    stages = getattr(error, "__notes__", [])  # a variant's own notes are among them
    stage = f" (while {'; '.join(stages)})" if stages else ""
    return f"{type(error).__name__}: {message}{stage}"
