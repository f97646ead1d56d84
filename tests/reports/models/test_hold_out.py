from pathlib import Path

import numpy as np
import pytest

from reports.frame import load, to_frame
from reports.models.extrapolation import Prediction
from reports.models.growth import Unfit
from reports.models.hold_out import hold_out, hold_out_table

RUN = Path(__file__).parents[3] / "docs/results/cpu/scaling.jsonl"
LENGTHS = [256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096]


def quadratic(run, record, longest=1.0):
    """Nine lengths that grow as T², the last times a factor."""
    factors = [1.0] * 8 + [longest]
    return to_frame(
        [
            run(
                record("full", T, median_ms=(T / 256) ** 2 * factor)
                for T, factor in zip(LENGTHS, factors, strict=True)
            )
        ]
    )


def test_the_longest_third_is_hidden_and_predicted(run, record):
    found = hold_out(quadratic(run, record))
    assert [held.seq_len for held in found] == LENGTHS[-3:]
    assert all(held.is_inside for held in found)
    assert [held.found.value for held in found] == pytest.approx([64, 144, 256], 0.02)


def test_what_lies_elsewhere_is_not_inside(run, record):
    found = hold_out(quadratic(run, record, longest=5.0))
    assert [held.is_inside for held in found] == [True, True, False]


def test_the_table_has_a_line_a_point_and_counts(run, record):
    table = hold_out_table(quadratic(run, record, longest=5.0))
    assert table["at T"].tolist() == ["2k", "3k", "4k", ""]
    assert table["held"].tolist() == ["yes", "yes", "no", ""]
    assert table["predicted"].iloc[-1].startswith("2 of 3 inside; off by ")


def test_a_curve_too_short_for_a_model_predicts_nothing(run, record):
    frame = to_frame([run(record("full", T) for T in LENGTHS[:3])])
    assert [type(held.found) for held in hold_out(frame)] == [Unfit]
    assert hold_out_table(frame)["predicted"].tolist() == ["–"]


def test_the_longest_third_of_a_real_run_is_predicted():
    found = [held for held in hold_out(load(RUN)) if isinstance(held.found, Prediction)]
    assert len(found) > 20
    assert np.mean([held.is_inside for held in found]) >= 0.9
    assert np.median([abs(np.log(held.found.value / held.value)) for held in found]) < 0.15
