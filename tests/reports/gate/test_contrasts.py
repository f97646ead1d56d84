from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.gate.contrasts import contrasts
from reports.gate.result import Block

TIMES = st.floats(0.01, 1e4)


def block(a1: float, a2: float, b1: float, b2: float, *, base_first: bool = True) -> Block:
    return Block(base=(a1, a2), head=(b1, b2), base_first=base_first)


def test_a_head_of_twice_the_time_is_all_effect() -> None:
    found = contrasts([block(1.0, 1.0, 2.0, 2.0)])
    assert found.effect == pytest.approx([np.log(2)])
    assert found.nulls == pytest.approx(np.zeros((1, 2)))


@given(st.tuples(TIMES, TIMES, TIMES, TIMES), st.floats(0.5, 2.0))
def test_nulls_do_not_change_with_the_speed_of_the_head(
    ms: tuple[float, float, float, float], factor: float
) -> None:
    a1, a2, b1, b2 = ms
    before = contrasts([block(a1, a2, b1, b2)])
    after = contrasts([block(a1, a2, factor * b1, factor * b2)])
    assert after.nulls == pytest.approx(before.nulls, abs=1e-9)
    assert after.effect - before.effect == pytest.approx([np.log(factor)], abs=1e-9)


@given(st.tuples(TIMES, TIMES, TIMES, TIMES))
def test_other_names_for_the_same_processes_exchange_the_three_contrasts(
    ms: tuple[float, float, float, float],
) -> None:
    def three(ordered: tuple[float, ...]) -> list[float]:
        found = contrasts([block(*ordered)])
        return sorted(np.abs([*found.effect, *found.nulls[0]]).tolist())

    expected = three(ms)
    for ordered in permutations(ms):
        assert three(ordered) == pytest.approx(expected, abs=1e-9)


def test_the_three_are_orthogonal_and_of_one_variance() -> None:
    logs = np.random.default_rng(0).normal(0, 0.02, (20_000, 4))
    found = contrasts([block(*np.exp(each).tolist()) for each in logs])
    moments = np.cov(np.column_stack([found.effect, found.nulls]).T) / 0.02**2
    assert moments == pytest.approx(np.eye(3), abs=0.05)


def test_blocks_with_base_first_come_first_and_are_counted() -> None:
    ratios = {1.1: False, 1.2: True, 1.3: False, 1.4: False}
    found = contrasts([block(1, 1, each, each, base_first=first) for each, first in ratios.items()])
    assert np.exp(found.effect) == pytest.approx([1.2, 1.1, 1.3, 1.4])
    assert found.counts == (1, 3)
    assert contrasts([block(1, 1, 1, 1, base_first=False)]).counts == (1,)


def test_no_blocks_are_an_error() -> None:
    with pytest.raises(ValueError, match="no blocks"):
        contrasts([])


def test_a_time_of_zero_is_an_error_that_says_so() -> None:
    with pytest.raises(ValueError, match="took 0 ms"):
        contrasts([block(0.0, 1.0, 1.0, 1.0)])
