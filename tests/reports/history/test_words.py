"""Shifts in words."""

from __future__ import annotations

from dataclasses import replace
from math import nan

from reports.history.series import Series
from reports.history.words import brief, moved, no_verdict, sentence, value
from reports.schema import Status


def test_a_sentence_says_what_where_how_much_and_what_else(shifted: Series) -> None:
    latency, workspace = shifted.change_points
    assert sentence(shifted, latency) == (
        "latency of hatrick n=64 T=8k, forward rose 10% (9.8 to 10%) between 0000009 and 0000010, "
        "with torch 2.13.0+cpu → 2.14.0+cpu at the same time."
    )
    assert sentence(shifted, workspace) == (
        "workspace of hatrick n=64 T=8k, forward rose from 4.00 KiB to 8.00 KiB (+100%) between "
        "0000009 and 0000010, with torch 2.13.0+cpu → 2.14.0+cpu at the same time."
    )


def test_a_fall_has_its_interval_the_smaller_end_first(shifted: Series) -> None:
    point = shifted.change_points[0]
    fell = replace(point, ratio=0.9, low=0.85, high=0.95)
    assert moved(fell) == "fell 10% (5 to 15%)"
    assert moved(replace(point, ratio=1.12, low=1.09, high=1.15)) == "rose 12% (9 to 15%)"
    assert moved(replace(point, ratio=1.02, low=0.99, high=1.05)) == "rose 2% (-1 to 5%)"


def test_two_runs_of_one_commit_are_told_by_their_day(shifted: Series) -> None:
    point = replace(shifted.change_points[0], commit_before="0000010", also=())
    assert "between two runs of 0000010, on 2025-03-14." in sentence(shifted, point)


def test_a_long_series_says_nothing_of_it(shifted: Series) -> None:
    assert no_verdict(shifted) == ""


def test_a_cell_warns_where_more_than_the_code_changed(shifted: Series) -> None:
    latency, workspace = shifted.change_points
    assert brief(latency) == "latency +10% !"
    assert brief(replace(workspace, also=())) == "workspace +100%"
    assert brief(replace(latency, also=(), near=("driver 1 → 2",))) == "latency +10% !"


def test_what_grew_from_nothing_has_no_percentage(build) -> None:
    (one,) = build([{"workspace": size} for size in (0, 512)])
    (point,) = one.change_points
    assert brief(point) == "workspace 0 → 512 B"
    assert moved(point) == "rose from 0 B to 512 B"


def test_a_figure_has_its_unit() -> None:
    assert value("latency_ms", 1.5) == "1.50 ms"
    assert value("operators", 1234.0) == "1,234"
    assert value("oracle_error", 3.14e-7) == "3.1e-07"
    assert value("workspace_bytes", nan) == ""


def test_a_short_series_says_how_many_runs_it_takes(build) -> None:
    (one,) = build([{}])
    assert no_verdict(one) == ("no verdict on noisy figures: 1 run with a latency, 10 are needed")


def test_a_status_and_what_became_of_it_are_words(build) -> None:
    (one,) = build([{}, {"status": Status.CRASHED, "reason": "x"}])
    (point,) = one.change_points
    assert sentence(one, point) == (
        "status of hatrick n=64 T=256, forward went from ok to crashed between 0000000 and 0000001."
    )
    assert brief(point) == "status ok → crashed"


def test_a_distance_has_both_its_levels_and_no_percentage(build) -> None:
    (one,) = build([{"distance": distance} for distance in (0.0, 0.25)])
    (point,) = one.change_points
    assert brief(point) == "distance to full 0 → 0.250"
    assert moved(point) == "rose from 0 to 0.250"


def test_an_oracle_error_that_left_0_has_no_percentage(build) -> None:
    (one,) = build([{"oracle_error": error} for error in (0.0, 1e-7, 0.0)])
    up, down = one.change_points
    assert (brief(up), moved(up)) == ("oracle error 0 → 1.0e-07", "rose from 0 to 1.0e-07")
    assert (brief(down), moved(down)) == ("oracle error 1.0e-07 → 0", "fell from 1.0e-07 to 0")
