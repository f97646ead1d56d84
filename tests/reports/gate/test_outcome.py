import pytest

from reports.gate.exact import exact_figures
from reports.gate.outcome import exit_code, point_outcome, whole_outcome
from reports.gate.result import Outcome, Verdict
from reports.schema import Status


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (Verdict.SAME, Outcome.PASSED),
        (Verdict.FASTER, Outcome.PASSED),
        (Verdict.SLOWER, Outcome.FAILED),
        (Verdict.UNSURE, Outcome.UNSURE),
    ],
)
def test_a_verdict_decides_unless_timings_are_advisory(figures, timing, verdict, outcome):
    exact = exact_figures(figures(), figures())
    assert point_outcome(exact, timing(1.1, verdict), "") is outcome
    assert point_outcome(exact, timing(1.1, verdict), "another machine") is Outcome.PASSED


def test_an_exact_figure_that_is_worse_fails_whatever_the_timing_says(figures, timing):
    exact = exact_figures(figures(), figures(workspace_bytes=2**30))
    for found in (None, timing(0.5, Verdict.FASTER), timing(1.1, Verdict.UNSURE)):
        assert point_outcome(exact, found, "another machine") is Outcome.FAILED


def test_a_point_without_a_timing_passes_by_its_exact_figures(figures):
    assert point_outcome(exact_figures(figures(), figures()), None, "") is Outcome.PASSED


def test_new_gone_and_failing_on_both_sides(figures, failed):
    crashed = failed(Status.CRASHED, "killed")
    outcomes = {
        "new": (None, figures()),
        "new and unsupported": (None, failed(Status.UNSUPPORTED, "needs CUDA")),
        "new and wrong": (None, failed(Status.DISAGREES, "error 1")),
        "gone": (figures(), None),
        "failing alike": (crashed, crashed),
    }
    found = {name: point_outcome(exact_figures(*of), None, "") for name, of in outcomes.items()}
    assert found == {
        "new": Outcome.NEW,
        "new and unsupported": Outcome.NEW,
        "new and wrong": Outcome.FAILED,
        "gone": Outcome.FAILED,
        "failing alike": Outcome.PASSED,
    }


def test_the_gravest_point_decides_for_all(every_kind):
    of = {kind: [p for p in every_kind if p.outcome is kind] for kind in Outcome}
    assert all(of.values())
    assert whole_outcome(every_kind) is Outcome.FAILED
    without = [p for p in every_kind if p.outcome is not Outcome.FAILED]
    assert whole_outcome(without) is Outcome.UNSURE
    assert whole_outcome(of[Outcome.PASSED] + of[Outcome.NEW]) is Outcome.PASSED
    assert whole_outcome(of[Outcome.NEW]) is Outcome.NEW
    assert whole_outcome([]) is Outcome.NEW


def test_exit_codes():
    codes = {
        (outcome, strict): exit_code(outcome, strict) for outcome in Outcome for strict in (0, 1)
    }
    assert codes.pop((Outcome.FAILED, 0)) == codes.pop((Outcome.FAILED, 1)) == 1
    assert codes.pop((Outcome.UNSURE, 1)) == 3
    assert set(codes.values()) == {0}
