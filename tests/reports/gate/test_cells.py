from reports.gate.cells import HEADERS, in_order, rows
from reports.gate.result import Outcome


def test_what_failed_stands_first_and_otherwise_the_order_is_kept(everything):
    ordered = in_order(everything)
    outcomes = [point.outcome for point in ordered]
    assert list(dict.fromkeys(outcomes)) == [
        Outcome.FAILED,
        Outcome.UNSURE,
        Outcome.NEW,
        Outcome.PASSED,
    ]
    for outcome in Outcome:
        kept = [point.name for point in everything.points if point.outcome is outcome]
        assert [point.name for point in ordered if point.outcome is outcome] == kept


def test_a_row_has_the_figures_of_its_point(everything):
    found = {row.name: row for row in rows(everything)}
    assert len(found) == len(everything.points)
    slower = found["hatrick n=64, T=1k, forward"]
    assert (slower.outcome, slower.state, slower.changes) == ("FAILED", "failed", [])
    assert slower.timing == ("2.00 ms", "2.24 ms", "1.12× (1.09–1.15)", "slower")
    assert len(slower.timing) == len(HEADERS) - 2
    assert found["mine, T=1k, forward"].timing == ("", "", "", "new")
    assert found["sliding_window n=64, T=1k, forward"].timing[-1] == "gone"
    assert found["full, T=64k, forward"].timing[-1] == "not timed"


def test_a_point_that_passed_and_is_the_same_is_quiet(everything):
    states = {row.name: row.state for row in rows(everything)}
    assert states["full, T=1k, forward"] == "quiet"
    assert states["hatrick n=64, T=256, forward"] == "better"
    assert states["lsh n=64, T=1k, forward"] == "unsure"


def test_in_short_the_figures_that_changed_are_named(everything):
    changed = {row.name: row.changed for row in rows(everything)}
    assert changed["lsh n=64, T=256, forward"] == (
        "workspace, FLOPs, operators, graph breaks, distance to full worse"
    )
    assert changed["hatrick n=64, T=256, forward"] == "workspace better"
    assert "on both sides alike" in changed["full, T=64k, forward"]
