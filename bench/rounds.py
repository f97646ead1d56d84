"""Points that will be compared, measured in rounds: each is visited once a round.

Drift (clocks, temperature, other load) then hits all of them alike, and an order that changes from
round to round keeps any one from always following the same other.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import time_ns
from typing import Literal

from bench.course import Course
from bench.journal import Journal
from bench.messages import Answer, Failure, Finished, Prepared, Visit
from reports.schema import Order, Point, Record

Ask = Callable[[Literal["prepare", "visit", "finish"], Point], tuple[Answer, float]]
"""Has something done with a point; the answer, and the seconds that it took."""


@dataclass(frozen=True)
class Rounds:
    """How points are sampled.

    Args:
        ask: has something done with a point in the worker that is right for it.
        renew: has the next question about a point answered by a new worker.
        journal: where answers are kept until a point's record is written.
        write: takes a record as soon as a point is done.
        watch: is told the point that is being worked on.
        target: half the width of the median's 95% interval, relative to the median, at which
            sampling may end.
        seconds: most sampling time of a point.
        order: `interleaved`: in rounds; `sequential`: each point by itself, one after another.
    """

    ask: Ask
    renew: Callable[[Point], None]
    journal: Journal
    write: Callable[[Record], None]
    watch: Callable[[Point], None]
    target: float
    seconds: float
    order: Order

    def measure(self, points: Sequence[Point]) -> None:
        """Measure points that will be compared; every one of them becomes a record."""
        courses = [self.journal.course(point) for point in points]
        ready = [course for course in courses if self._prepare(course)]
        sound = [course for course in ready if not course.leaks]
        if self.order == "interleaved":
            self._take_turns(sound)
        else:
            for course in sound:
                self._take_turns([course])
        for course in ready:
            if course.leaks:  # it would take memory away from points that it took turns with
                self._take_turns([course])
                self.renew(course.point)

    def _take_turns(self, courses: Sequence[Course]) -> None:
        going = list(courses)
        shuffled = random.Random(0)
        while going:
            shuffled.shuffle(going)
            # After a sweep that was killed in the midst of a round some are one visit ahead.
            behind = min(len(course.visits) for course in going)
            now = time_ns() // 1_000_000
            going = [
                course
                for course in going
                if len(course.visits) > behind or self._visit(course, now)
            ]

    def _prepare(self, course: Course) -> bool:
        """Whether a point is ready to be visited."""
        if course.prepared is not None:
            return True  # an earlier sweep had come so far
        answer = self._timed(course, "prepare")
        if isinstance(answer, Prepared):
            course.prepared = answer
            self.journal.prepared(course)
            return True
        self._fail(course, answer)
        return False

    def _visit(self, course: Course, now: int) -> bool:
        """Whether a point needs more visits after this one, in the round that began at `now`."""
        why = course.stopped_by(target=self.target, seconds=self.seconds)
        if why is None:
            answer = self._timed(course, "visit")
            if not isinstance(answer, Visit):
                self._fail(course, answer)
                return False
            course.visits.append(answer.model_copy(update={"round": now}))
            self.journal.visited(course)
            why = course.stopped_by(target=self.target, seconds=self.seconds)
            if why is None:
                return True
        end = self._timed(course, "finish")
        # Without its energy, a point that was sampled enough still has all else.
        end = end if isinstance(end, Finished) else Finished()
        self.write(course.finished(end, target=self.target, why=why))
        return False

    def _fail(self, course: Course, answer: Answer) -> None:
        assert isinstance(answer, Failure), answer
        self.write(course.failed(answer))

    def _timed(self, course: Course, do: Literal["prepare", "visit", "finish"]) -> Answer:
        self.watch(course.point)
        answer, seconds = self.ask(do, course.point)
        course.wall_s += seconds
        return answer
