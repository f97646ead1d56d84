"""What is told of a point without timing it."""

from __future__ import annotations

from collections.abc import Callable

from answers import AGREEMENT, prepared

from bench.gate.examine import Examined, Examiner, largest_workspace
from bench.gate.sides import Code
from bench.messages import Failure, Prepared
from bench.points import Planned
from bench.spec import SweepSpec
from reports.figures import Counts
from reports.gate.result import Side
from reports.schema import Point, Status

COUNTS = Counts(flops=1, operators=2, launches=None, graph_breaks=0)


def test_a_point_that_is_right_has_all_figures(make_point: Callable[..., Point]) -> None:
    figures = Examined(make_point(), prepared(counts=COUNTS)).figures
    assert (figures.status, figures.workspace_bytes, figures.counts) == (Status.OK, 400, COUNTS)
    assert figures.oracle_error == AGREEMENT.oracle_error
    assert figures.memory_source == "cpu allocator events"


def test_a_wrong_answer_has_its_error_alone(make_point: Callable[..., Point]) -> None:
    wrong = Failure(status=Status.DISAGREES, reason="off", agreement=AGREEMENT)
    figures = Examined(make_point(), wrong).figures
    assert (figures.status, figures.reason) == (Status.DISAGREES, "off")
    assert (figures.oracle_error, figures.workspace_bytes) == (AGREEMENT.oracle_error, None)


def test_the_largest_workspace_is_that_of_the_points_that_have_one(
    make_point: Callable[..., Point],
) -> None:
    fine = Examined(make_point(), prepared())
    failed = Examined(make_point(), Failure(status=Status.CRASHED, reason="fell"))
    assert largest_workspace([fine, failed, None]) == 400
    assert largest_workspace([failed, None]) == 0


def test_a_worker_examines_what_it_can_run(make_point: Callable[..., Point]) -> None:
    watched: list[Point] = []
    planned = [Planned(make_point()), Planned(make_point(seq_len=16), "not today")]
    code = Code(side=Side(name="here"), path=(), plugins=())
    runs, does_not = Examiner(code, SweepSpec(timeout=100), watched.append).examine(planned)
    assert isinstance(runs.answer, Prepared)
    assert runs.answer.counts is not None
    assert runs.answer.counts.operators is not None
    assert runs.answer.counts.operators > 0
    assert does_not.answer == Failure(status=Status.UNSUPPORTED, reason="not today")
    assert watched == [each.point for each in planned]
