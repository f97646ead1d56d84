"""How far two measurements of one point lie apart: the machine's noise floor."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from statistics import median

import torch

from bench.device import model_name
from bench.messages import Failure, Visit
from bench.points import expand
from bench.selftest.report import NOISE_LIMIT, Check
from bench.spec import SpecError, merge
from bench.supervisor import Supervisor
from reports.schema import Noise, Point

PAIRS = 10
SECONDS = 1.0
"""Sampling time of each of the two measurements of a pair."""
VISITS = 8
LENGTH = {"cpu": "1k", "cuda": "8k"}


def check_noise(device: torch.device, say: Callable[[str], None]) -> tuple[Check, Noise]:
    """Measure a point twice, in two fresh processes that take turns, ten times over.

    The two differ in nothing: not in code, and not in when they were measured. What they differ by
    (where their memory lies, above all) is in every comparison of two points. The noise floor is
    the largest difference of the pairs: with ten pairs, one more comparison of two equal points
    exceeds it with probability 1/11.

    Raises:
        SpecError: the point cannot be measured here.
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
        workers = [
            stack.enter_context(Supervisor([], seconds=SECONDS * 20 / VISITS, timeout=60))
            for _ in range(2)
        ]
        for _ in range(VISITS):
            turns = [0, 1]
            random.shuffle(turns)
            for which in turns:
                answer = workers[which].ask("visit", point)
                if not isinstance(answer, Visit):
                    assert isinstance(answer, Failure)
                    raise SpecError(f"the selftest's point {answer.status}: {answer.reason}")
                samples[which] += answer.samples_ms
    return median(samples[0]) / median(samples[1])
