from __future__ import annotations

import pytest

from reports.gate.forecast import MOST, more_blocks


def more(estimate: float, error: float, blocks: int = 6, limit: float = 0.05) -> int:
    return more_blocks(estimate, error, blocks, limit=limit, inside=0.025, outside=0.0016)


def test_half_the_width_takes_about_four_times_the_blocks() -> None:
    # Student's t is 1.97 at last, so the error has to come from 2% to 0.99 of 2.5% / 1.97.
    assert 6 + more(0.0, 0.05, blocks=6) == pytest.approx(6 * (1.97 * 0.05 / 0.05) ** 2, rel=0.1)


def test_the_nearer_to_the_limit_the_more_it_takes() -> None:
    found = [more(estimate, 0.02) for estimate in (0.0, 0.02, 0.04)]
    assert found == sorted(found)
    assert found[0] < found[2]


def test_an_alarm_takes_more_evidence_than_none() -> None:
    assert more(0.05 + 0.02, 0.02) > more(0.05 - 0.02, 0.02)


def test_faster_is_as_slower() -> None:
    assert more(-0.08, 0.02) == more(0.08, 0.02)


def test_it_is_at_least_one_and_bounded_on_the_limit_itself() -> None:
    assert more(0.0, 1e-6) == 1
    assert more(0.05, 0.02) == MOST
