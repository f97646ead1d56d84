"""One point, measured in this process: whatever happens, a record comes of it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import torch

from bench.case import Case, build
from bench.cost import model_cost
from bench.probes.agreement import Verdict, measure_agreement, not_comparable
from bench.probes.memory import measure_memory
from bench.probes.time import measure_latency
from reports.schema import Point, Record, Status
from variants import WrongShape

OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "ALLOC_FAILED", "out of memory")
"""How the allocators of torch that raise a plain RuntimeError say it."""


class Measurer:
    """Measures points one after another. Nothing of one point reaches the next, but the last
    agreement: both directions of a layer share it, since it looks at the output alone."""

    def __init__(self) -> None:
        self._last: tuple[str, Verdict] | None = None

    def measure(self, point: Point, seconds: float) -> Record:
        """Run all probes on a point.

        Args:
            point: with the backend that runs in `backend_used`.
            seconds: sampling time.
        """
        started_at, start = datetime.now(UTC), perf_counter()
        _forget_earlier_points()
        try:
            result = self._probe(point, seconds)
        except WrongShape as error:
            verdict = not_comparable(point, str(error))
            result = {
                "status": Status.DISAGREES,
                "reason": verdict.wrong,
                "agreement": verdict.agreement,
            }
        except Exception as error:  # a variant may raise anything
            status = Status.OUT_OF_MEMORY if _is_out_of_memory(error) else Status.CRASHED
            result = {"status": status, "reason": _in_words(error)}
        return Record(
            key=point.key,
            point=point,
            started_at=started_at,
            wall_s=perf_counter() - start,
            **result,
        )

    def _probe(self, point: Point, seconds: float) -> dict[str, Any]:
        build_start = perf_counter()
        with _while("it was built"):
            case = build(point)
            if case.inputs[0].is_cuda:
                torch.cuda.synchronize(case.inputs[0].device)
        build_ms = (perf_counter() - build_start) * 1e3
        with torch.set_grad_enabled(case.upstream is not None):
            with _while("it was timed"):
                latency = measure_latency(case, seconds, build_ms)
            with _while("its memory was measured"):
                memory = measure_memory(case)
        case.clear()
        with _while("its output was compared with the oracle"):
            verdict = self._verdict(case, point)
        if verdict.wrong:  # how fast a wrong answer came is nobody's business
            return {
                "status": Status.DISAGREES,
                "reason": verdict.wrong,
                "agreement": verdict.agreement,
            }
        return {
            "status": Status.OK,
            "latency": latency,
            "memory": memory,
            "agreement": verdict.agreement,
            **_cost(point),
        }

    def _verdict(self, case: Case, point: Point) -> Verdict:
        key = point.model_copy(update={"direction": "forward"}).key
        if self._last is None or self._last[0] != key:
            self._last = (key, measure_agreement(case, point))
        return self._last[1]


def _cost(point: Point) -> dict[str, int]:
    """What the variant's own model says; nothing where it fails: no other figure rests on it."""
    try:
        cost = model_cost(point)
    except Exception:  # a plug-in's own code may raise anything
        cost = None
    return {} if cost is None else {"flops": cost.flops, "model_bytes": cost.bytes}


def _forget_earlier_points() -> None:
    """Make a point's numbers independent of those measured before it in this process."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if "torch._dynamo" in sys.modules:
        # A second shape would be compiled for any shape, and the ninth not at all.
        torch.compiler.reset()


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
    return f"{type(error).__name__}: {message} (while {'; '.join(error.__notes__)})"
