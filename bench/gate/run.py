"""A gate: both sides examined, then timed in turns, then judged."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from bench.gate.blocks import BASE, HEAD, Timed, Twins, Untimed, measure_block
from bench.gate.examine import (
    Examined,
    Examiner,
    Known,
    largest_workspace,
    timing_worker,
)
from bench.gate.planning import Pair
from bench.gate.sides import Code
from bench.messages import Failure
from bench.spec import SweepSpec
from reports.gate.result import Noise, Timing, Verdict
from reports.gate.timing import judge
from reports.schema import Point, Status

LOOKS = 3
"""At most, `settle` judges so many times."""
MOST_BLOCKS = 4
"""And takes so many times as many blocks in all."""


class Watcher(Protocol):
    """Who is told how a gate goes."""

    def begin(self, what: str, steps: int) -> None:
        """A stage begins, of so many steps."""

    def watch(self, point: Point) -> None:
        """One of them is this point."""


@dataclass(frozen=True)
class Rules:
    """How a gate decides."""

    limit: float
    """Relative slowdown that is allowed, such as 0.05."""
    rate: float
    """False discovery rate over all points."""
    blocks: int
    """Of four fresh processes each; 0: nothing is timed."""
    settle: bool = False
    """Take more blocks of points that are unsure."""


@dataclass
class Both:
    """One point on both sides, as far as it is known."""

    name: str
    base: Known | None
    """None: base does not have it."""
    head: Examined | None
    blocks: list[Timed] = field(default_factory=list)
    untimed: str = ""
    """Why it has no times, or no more of them."""
    fell: Failure | None = None
    """What became of head when it was timed."""


@dataclass(frozen=True)
class Judged:
    """What the times say."""

    timings: dict[str, Timing]
    """By the names of the points that have times."""
    noise: Noise | None
    limit: float
    """Raised to the noise floor."""


class Gate:
    """Measures two sides, and judges them.

    Args:
        base, head: the code of the sides; of one and the same it is an A/A run.
        spec: what is measured, and for how long: `seconds` is for a point, all blocks together.
        watcher: is told.
    """

    def __init__(
        self, base: Code, head: Code, spec: SweepSpec, rules: Rules, watcher: Watcher
    ) -> None:
        self._base, self._head = base, head
        self._spec, self._rules, self._watcher = spec, rules, watcher
        self._taken = 0

    def examine(self, pairs: Sequence[Pair]) -> list[Both]:
        """Examine the points of both sides, which takes no quiet machine."""
        of_base = [pair.base for pair in pairs if pair.base is not None]
        of_head = [pair.head for pair in pairs if pair.head is not None]
        self._watcher.begin("exact figures", len(of_base) + len(of_head))
        # Both at a time, but not on a GPU, where they would take each other's memory.
        on_cpu = all(each.point.device == "cpu" for each in (*of_base, *of_head))
        examiners = [
            Examiner(code, self._spec, self._watcher.watch) for code in (self._base, self._head)
        ]
        pool = ThreadPoolExecutor(2 if on_cpu else 1)
        try:
            found = [
                pool.submit(examiner.examine, planned)
                for examiner, planned in zip(examiners, (of_base, of_head), strict=True)
            ]
            base, head = (iter(each.result()) for each in found)
        finally:
            for examiner in examiners:
                examiner.end()  # after Ctrl-C; else it has ended
            pool.shutdown(cancel_futures=True)
        return [
            Both(
                pair.name,
                None if pair.base is None else next(base),
                None if pair.head is None else next(head),
            )
            for pair in pairs
        ]

    def time(self, both: Sequence[Both]) -> Judged:
        """Time the points that both sides can run, and judge them; `settle` then times those again
        that are unsure."""
        for each in both:
            each.untimed = self._why_not_timed(each)
        self._take_blocks(both, self._rules.blocks)
        judged = judged_of(both, self._rules)
        for _ in range(1, LOOKS if self._rules.settle else 1):
            unsure = [each for each in both if _is_unsure(each, judged)]
            room = MOST_BLOCKS * self._rules.blocks - self._taken
            if not unsure or room <= 0:
                break
            needed = max(judged.timings[each.name].more_blocks for each in unsure)
            self._take_blocks(unsure, max(1, min(needed, room)))
            judged = judged_of(both, self._rules)
        return judged

    def _why_not_timed(self, both: Both) -> str:
        if self._rules.blocks == 0:
            return "timings were not asked for"
        for name, side in (("base", both.base), ("head", both.head)):
            if side is None:
                return f"{name} does not have it"
            if side.figures.status is not Status.OK:
                return f"{name} is {side.figures.status.value.replace('_', ' ')}"
        return ""

    def _take_blocks(self, both: Sequence[Both], count: int) -> None:
        going = [each for each in both if not each.untimed]
        self._watcher.begin("timings", count * len(going))
        for _ in range(count):
            if going:
                self._take_block(going)
            going = [each for each in going if not each.untimed]

    def _take_block(self, both: Sequence[Both]) -> None:
        codes = {BASE: self._base, HEAD: self._head}
        most = largest_workspace(side for each in both for side in (each.base, each.head))
        found = measure_block(
            [self._twins(each) for each in both],
            lambda side: timing_worker(codes[side], self._spec, most),
            base_first=self._taken % 2 == 0,
            seconds=self._spec.seconds / self._rules.blocks,
            watch=self._watcher.watch,
        )
        self._taken += 1
        for each, result in zip(both, found, strict=True):
            if isinstance(result, Timed):
                each.blocks.append(result)
            else:
                self._give_up(each, result)

    def _twins(self, both: Both) -> Twins:
        base, head = (both.head if self._base is self._head else both.base), both.head
        assert base is not None
        assert head is not None
        return Twins(base.point, head.point)

    def _give_up(self, both: Both, untimed: Untimed) -> None:
        """No times for a point. That head fell where it had not before is a failure of the point;
        for want of memory, which four processes at a time take, it is none."""
        is_base = untimed.side == BASE and self._base is not self._head
        failure = untimed.failure
        name = "base" if is_base else "head"
        both.untimed = f"{name} failed when it was timed: {failure.reason}"
        both.blocks.clear()
        if not is_base and failure.status is not Status.OUT_OF_MEMORY:
            both.fell = failure


def judged_of(both: Sequence[Both], rules: Rules) -> Judged:
    """What the times say that were taken so far."""
    timed = [each for each in both if each.blocks]
    if not timed:
        return Judged({}, None, rules.limit)
    timings, noise, limit = judge(
        [[timed.block for timed in each.blocks] for each in timed],
        limit=rules.limit,
        rate=rules.rate,
    )
    names = [each.name for each in timed]
    return Judged(dict(zip(names, timings, strict=True)), noise, limit)


def _is_unsure(both: Both, judged: Judged) -> bool:
    timing = judged.timings.get(both.name)
    return timing is not None and timing.verdict is Verdict.UNSURE and not both.untimed
