import pytest

from reports.figures import Counts
from reports.gate import words
from reports.gate.result import Exact, Outcome, Side, Verdict
from reports.schema import Status


def test_a_failure_is_named_with_its_figures_and_the_others_are_counted(everything):
    assert words.headline(everything) == (
        "FAILED: hatrick n=64, T=1k, forward: 1.12× as long (1.09–1.15); "
        "lsh n=64, T=1k, forward+backward: status ok → wrong answer: relative error 0.3 against "
        "the oracle, at most 4.6e-07 expected; "
        "lsh n=64, T=256, forward: workspace 4.00 MiB → 4.50 MiB (+12%), "
        "FLOPs 268,435,456 → 301,989,888 (+12%), and 3 more figures; and 1 more point. "
        "Of the others: 1 unsure, 1 faster, 3 the same, 1 failing on both sides, 1 new."
    )


def test_every_outcome_has_a_headline(result, every_kind):
    passed = [p for p in every_kind if p.outcome is Outcome.PASSED]
    unsure = [p for p in every_kind if p.outcome is Outcome.UNSURE]
    new = [p for p in every_kind if p.outcome is Outcome.NEW]
    assert words.headline(result(passed)) == (
        "PASSED: nothing got worse. Points: 1 faster, 3 the same, 1 failing on both sides."
    )
    assert words.headline(result(unsure + new)) == (
        "UNSURE: nothing is known to be worse; not settled: lsh n=64, T=1k, forward: 1.06× as "
        "long (1.01–1.11), about 12 more blocks would settle it. Of the others: 1 new."
    )
    assert words.headline(result(new)) == (
        "NEW: base has none of the points, so there is nothing to compare with."
    )


def test_an_advisory_slowdown_is_no_failure_and_is_not_called_one(result, judged, timing, figures):
    slower = timing(1.5, Verdict.SLOWER)
    bigger = figures(workspace_bytes=5 * 2**20)
    points = [
        judged("one", timing=slower, advisory="other machine"),
        judged("two", timing=slower, head=bigger, advisory="other machine"),
    ]
    advised = result(points, advisory="the baseline is of another machine.")
    assert words.headline(advised) == (
        "FAILED: two: workspace 4.00 MiB → 5.00 MiB (+25%). Of the others: 1 slower."
    )
    alone = result(points[:1], advisory="the baseline is of another machine.")
    assert words.headline(alone) == "PASSED: no exact figure got worse. Points: 1 slower."


def test_a_change_too_small_for_three_digits_is_told_in_bytes():
    figure = Exact(name="workspace", base=2**20, head=2**20 + 1, tolerance="none", change="worse")
    assert words.change(figure) == "workspace 1,048,576 B → 1,048,577 B (+9.5e-05%)"


def test_a_figure_from_nothing_has_no_growth_in_percent():
    figure = Exact(name="graph breaks", base=0, head=2, tolerance="none", change="worse")
    assert words.change(figure) == "graph breaks 0 → 2"


def test_a_count_that_got_lost_is_told_and_one_that_nobody_has_is_not(judged, figures):
    uncounted = figures(counts=Counts(flops=None, operators=14, launches=None, graph_breaks=0))
    assert words.changes(judged("p", head=uncounted)) == ["FLOPs 268,435,456 → not counted"]


def test_a_point_whose_exact_figures_got_better_is_not_called_the_same(result, judged, figures):
    points = [judged("a", head=figures(workspace_bytes=1)), judged("b")]
    assert words.headline(result(points)).endswith("Points: 1 better, 1 the same.")


def test_a_long_reason_is_cut(judged, failed):
    point = judged("p", head=failed(Status.CRASHED, "word " * 1000))
    (said,) = words.changes(point)
    assert len(said) < words.REASON_CHARACTERS + 50
    assert said.endswith("…")


@pytest.mark.parametrize(
    ("side", "text"),
    [
        (Side(name="main", commit="0123456789abcdef"), "main (0123456789ab)"),
        (Side(name="working tree", commit="01", dirty=True), "working tree (01, with changes)"),
        (Side(name="../other"), "../other"),
    ],
)
def test_a_side_is_named_with_its_commit(side, text):
    assert words.side(side) == text
