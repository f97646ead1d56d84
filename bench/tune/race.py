"""The race of one length: all a little, the clearly slower dropped, the rest until it is over."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import log
from statistics import median
from time import monotonic

from bench.messages import Answer, Do, Failure, Looked, Turn
from bench.points import Planned
from bench.tune.planning import first_wave, flops_of, foreseen, neighbours
from bench.tune.request import Request
from reports.race import Contender, Foreseen, Heat, Outcome, Race
from reports.schema import Point, Status
from reports.tuning.sequential import judge

Ask = Callable[[Do, Point], Answer]
"""Has a worker do something with a point."""

FIRST_ROUNDS = 3
"""Before the first look, and before others than the first wave enter. What is a tenth slower is
usually dropped then; a look after two rounds would err too often where some are noisier."""
HEAT_ROUNDS = 8
"""At least, of a heat: enough for an interval of every ratio."""
MOST_ROUNDS = 16
"""After so many what is not decided stays so: it would take four times as many to see half as
much."""
CLOCK_TICK_MS = 1e-6
"""The clocks count in nanoseconds; a call that they do not see took less than one."""


@dataclass
class _Runner:
    """A contender on its way."""

    point: Point
    size: int
    flops: int | None
    looked: Looked | None = None
    first_round: int = 0
    rounds_ms: list[list[float]] = field(default_factory=list)
    warmup_ms: list[float] = field(default_factory=list)
    outcome: Outcome = "slower"
    reason: str = ""
    status: Status = Status.OK
    miss: float | None = None

    def logs(self, rounds: int) -> list[float]:
        """Of its last rounds."""
        return [log(max(median(samples), CLOCK_TICK_MS)) for samples in self.rounds_ms[-rounds:]]

    def fail(self, failure: Failure) -> None:
        """It has no times."""
        self.outcome, self.reason, self.status = "failed", failure.reason, failure.status
        self.rounds_ms, self.warmup_ms, self.first_round = [], [], 0

    @property
    def workspace_bytes(self) -> int | None:
        """None: it did not come so far."""
        return None if self.looked is None else self.looked.workspace_bytes

    @property
    def distance_to_full(self) -> float | None:
        """None: it did not come so far, or has none."""
        return None if self.looked is None else self.looked.distance_to_full

    def contender(self) -> Contender:
        """As the run file has it."""
        return Contender(
            chunk_size=self.size,
            outcome=self.outcome,
            reason=self.reason,
            status=self.status,
            miss=self.miss,
            first_round=self.first_round,
            rounds_ms=self.rounds_ms,
            warmup_ms=self.warmup_ms,
            workspace_bytes=self.workspace_bytes,
            distance_to_full=self.distance_to_full,
            flops=self.flops,
        )


class Racer:
    """Runs the race of one length.

    Args:
        request: the tuning.
        ask: has the worker do something.
        watch: is told each point that is worked on.
    """

    def __init__(self, request: Request, ask: Ask, watch: Callable[[Point], None]) -> None:
        self._request, self._ask, self._watch = request, ask, watch
        self._in_waves = request.automatic and request.prefer == "latency"
        self._round = 0
        self._look = 0
        self._shuffled = random.Random(0)

    def race(self, candidates: Sequence[Planned]) -> Race:
        """Race the candidates of a length.

        Where there are constraints they are looked at first: they may leave nothing of what would
        be the fastest. Then the first wave races by itself, and beside those that are left their
        neighbours enter. The race ends when the leader is known to be within
        `reports.tuning.sequential.TIE` of the best that is left, or after `MOST_ROUNDS`; what is
        left then are the finalists. One that leads alone gets the runner-up beside it. Where memory
        or distance is preferred all race at once, whatever their FLOPs, and the one that has the
        least of it is a finalist, too.
        """
        started_at, start = datetime.now(UTC), monotonic()
        flops = flops_of([each.point for each in candidates])
        runners = [_runner(each, flops) for each in candidates]
        left_out: list[Foreseen] = []
        if self._request.constrained:
            for each in runners:
                _ = each.reason or self._enters(each)
        if self._in_waves:
            allowed = {r.size: r.flops for r in runners if not r.reason and r.flops is not None}
            left_out = foreseen(allowed)
        tried = {each.chunk_size for each in left_out}
        racing = [each for each in runners if each.size not in tried]
        self._run([each for each in racing if not each.reason])
        return Race(
            point=candidates[0].point.model_copy(update={"chunk_size": None}),
            contenders=[each.contender() for each in racing if each.reason or each.rounds_ms],
            unraced=[each.size for each in racing if not (each.reason or each.rounds_ms)],
            foreseen=left_out,
            started_at=started_at,
            wall_s=monotonic() - start,
        )

    def heat(self, finalists: Sequence[Point]) -> Heat:
        """Let finalists take turns in the worker as it now is, until it is clear which is the
        fastest, `HEAT_ROUNDS` times at least; none is dropped."""
        runners = [_runner(Planned(point), {}) for point in finalists]
        going = list(runners)
        for number in range(1, MOST_ROUNDS + 1):
            going = self._round_of(going)
            if len(going) < 2 and number >= HEAT_ROUNDS:
                break
            if len(going) > 1 and number >= HEAT_ROUNDS:
                logs = {each.size: each.logs(number) for each in going}
                if judge(logs, look=number - HEAT_ROUNDS + 1).settled:
                    break
        return Heat(
            rounds_ms={each.size: each.rounds_ms for each in going},
            failed={each.size: each.reason for each in runners if each.reason},
        )

    def _run(self, runners: Sequence[_Runner]) -> None:
        by_size = {each.size: each for each in runners}
        waiting = self._in_waves
        going = self._enter(by_size[n] for n in self._first(runners))
        dropped: list[_Runner] = []
        for _ in range(MOST_ROUNDS):
            going = self._round_of(going)
            shared = self._shared(going)
            settled = len(going) < 2
            if not settled and shared >= FIRST_ROUNDS:
                self._look += 1
                verdict = judge({r.size: r.logs(shared) for r in going}, look=self._look)
                settled = verdict.settled
                dropped += [each for each in going if each.size in verdict.dropped]
                going = [each for each in going if each.size not in verdict.dropped]
            if waiting and (settled or self._round >= FIRST_ROUNDS):
                waiting = False
                left = [each.size for each in going]
                beside = neighbours(list(by_size), left) if left else list(by_size)
                more = self._enter(by_size[n] for n in beside if not _was_there(by_size[n]))
                going, settled = [*going, *more], settled and not more
            if settled and not waiting:
                break
        self._choose(going, dropped)

    def _first(self, runners: Sequence[_Runner]) -> list[int]:
        sizes = [each.size for each in runners]
        return first_wave(sizes, runners[0].point.seq_len) if sizes and self._in_waves else sizes

    def _shared(self, going: Sequence[_Runner]) -> int:
        """The rounds, up to the last, that all of them took part in."""
        return self._round - max((each.first_round for each in going), default=0)

    def _choose(self, going: Sequence[_Runner], dropped: Sequence[_Runner]) -> None:
        """Say who is measured again."""
        finalists = list(going)
        if len(finalists) == 1 and dropped:
            # The one that it took longest to drop, and of those the fastest.
            latest = max(each.first_round + len(each.rounds_ms) for each in dropped)
            last = [each for each in dropped if each.first_round + len(each.rounds_ms) == latest]
            finalists.append(min(last, key=lambda each: sum(each.logs(FIRST_ROUNDS))))
        timed = [*going, *dropped]
        if (figure := FIGURES.get(self._request.prefer)) and timed:
            known = [each for each in timed if figure(each) is not None]
            finalists += sorted(known, key=lambda each: (figure(each), sum(each.logs(1))))[:1]
        for each in finalists:
            each.outcome = "finalist"

    def _enter(self, runners: Iterable[_Runner]) -> list[_Runner]:
        """Those of them that can run and may."""
        found = [each for each in runners if each.looked is not None or self._enters(each)]
        for each in found:
            each.first_round = self._round
        return found

    def _enters(self, runner: _Runner) -> bool:
        """Whether it runs, and meets the constraints."""
        self._watch(runner.point)
        answer = self._ask("look", runner.point)
        if isinstance(answer, Failure):
            runner.fail(answer)
            return False
        assert isinstance(answer, Looked), answer
        runner.looked = answer
        missed = self._request.constraints.miss(
            runner.size, runner.point.seq_len, answer.workspace_bytes, answer.distance_to_full
        )
        if missed is not None:
            runner.outcome, runner.reason, runner.miss = "excluded", missed.reason, missed.share
        return missed is None

    def _round_of(self, going: Sequence[_Runner]) -> list[_Runner]:
        """One round: each takes its turn, in an order that changes. Those that are still there."""
        order = list(going)
        self._shuffled.shuffle(order)
        for each in order:
            self._watch(each.point)
            if not each.rounds_ms and not self._turn(each, each.warmup_ms.extend):
                continue
            self._turn(each, each.rounds_ms.append)
        self._round += 1
        return [each for each in going if not each.reason]

    def _turn(self, runner: _Runner, keep: Callable[[list[float]], None]) -> bool:
        """Take samples; False if there are none."""
        answer = self._ask("turn", runner.point)
        if isinstance(answer, Failure):
            runner.fail(answer)
            return False
        assert isinstance(answer, Turn), answer
        keep(answer.samples_ms)
        return True


def _was_there(runner: _Runner) -> bool:
    return bool(runner.rounds_ms or runner.reason)


def _runner(candidate: Planned, flops: Mapping[int, int]) -> _Runner:
    assert candidate.point.chunk_size is not None
    size = candidate.point.chunk_size
    runner = _Runner(candidate.point, size, flops.get(size))
    if candidate.unsupported:
        runner.fail(Failure(status=Status.UNSUPPORTED, reason=candidate.unsupported))
    return runner


FIGURES: dict[str, Callable[[_Runner], float | None]] = {
    "memory": lambda runner: runner.workspace_bytes,
    "distance": lambda runner: runner.distance_to_full,
}
"""What is least of the contender that is preferred for it."""
