"""How far two measurements of one point lie apart: the machine's noise floor."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from statistics import median

import torch

from bench.device import model_name
from bench.messages import Answer, Failure, Visit
from bench.points import expand
from bench.sampler import VISITS as SHARES
from bench.selftest.report import NOISE_LIMIT, Check
from bench.spec import merge
from bench.supervisor import Supervisor
from reports.schema import Noise, Point

PAIRS = 10
VISIT_S = 0.125
"""Sampling time of a visit."""
VISITS = 6
"""Of each of the two measurements of a pair."""
LENGTH = {"cpu": "512", "cuda": "8k"}


def check_noise(device: torch.device, say: Callable[[str], None]) -> tuple[Check, Noise]:
    """Measure a point twice, in two fresh processes that take turns, ten times over.

    The two differ in nothing: not in code, and not in when they were measured. What they differ by
    (where their memory lies, above all) is in every comparison of two points. The noise floor is
    the largest difference of the pairs: with ten pairs, one more comparison of two equal points
    exceeds it with probability 1/11.

    Raises:
        RuntimeError: the point cannot be measured here.
    """
    point = _point(device)
    ratios = []
    for pair in range(PAIRS):
        say(f"Two measurements of one point in fresh processes: pair {pair + 1} of {PAIRS}")
        ratios.append(_pair(point))
    spread = max(max(ratio, 1 / ratio) - 1 for ratio in ratios)
    check = Check(
        name="two measurements of one point agree",
        found=f"at most {spread:.1%} apart, half of the {PAIRS} pairs within "
        f"{median(max(ratio, 1 / ratio) - 1 for ratio in ratios):.1%}",
        limit=f"{NOISE_LIMIT:.0%}",
        passed=spread <= NOISE_LIMIT,
    )
    return check, Noise(
        measured_at=datetime.now(UTC),
        device_name=model_name(device),
        spread=spread,
        pairs=PAIRS,
        fit=check.passed,
    )


def _point(device: torch.device) -> Point:
    """HATrick at a usual length, as a sweep would measure it."""
    flags = {"variants": "hatrick", "seq_len": LENGTH[device.type], "chunk_size": "128"}
    spec, _ = merge(flags | {"device": str(device)}, has_cuda=device.type == "cuda")
    return next(each.point for each in expand(spec) if each.point.direction == "forward")


def _pair(point: Point) -> float:
    """The ratio of two medians of one point, from two processes that take turns."""
    samples: list[list[float]] = [[], []]
    with ExitStack() as stack:
        # A worker ends with the thread that started it, so the threads must outlive the workers.
        pool = stack.enter_context(ThreadPoolExecutor(2))
        workers = [
            stack.enter_context(Supervisor([], seconds=VISIT_S * SHARES, timeout=60))
            for _ in range(2)
        ]
        # Both start, build and warm up at the same time, and so disturb each other: these samples
        # are thrown away.
        for start in [pool.submit(worker.ask, "visit", point) for worker in workers]:
            _samples(start.result())
        for _ in range(VISITS):
            turns = [0, 1]
            random.shuffle(turns)
            for which in turns:
                samples[which] += _samples(workers[which].ask("visit", point))
    return median(samples[0]) / median(samples[1])


def _samples(answer: Answer) -> list[float]:
    if isinstance(answer, Visit):
        return answer.samples_ms
    assert isinstance(answer, Failure)
    raise RuntimeError(f"{answer.status}: {answer.reason}")
