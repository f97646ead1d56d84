from __future__ import annotations

from reports.tuning.front import Figures, front


def test_one_that_another_beats_in_all_is_off_the_front():
    assert front({32: Figures(1.2, 20, 0.5), 64: Figures(1.0, 10, 0.4)}) == [64]


def test_each_that_is_best_in_one_figure_is_on_it():
    figures = {
        16: Figures(2.0, 10, 0.9),
        64: Figures(1.0, 30, 0.8),
        128: Figures(1.5, 40, 0.3),
        256: Figures(1.5, 40, 0.35),
    }
    assert front(figures) == [16, 64, 128]


def test_equals_are_all_on_it():
    assert front({64: Figures(1.0, 10, 0.4), 128: Figures(1.0, 10, 0.4)}) == [64, 128]


def test_what_is_not_known_is_worse_than_what_is():
    assert front({64: Figures(1.0, None, None), 128: Figures(1.0, 10, None)}) == [128]
    assert front({64: Figures(1.0, None, None), 128: Figures(1.1, None, None)}) == [64]
