from __future__ import annotations

import pytest
from pydantic import ValidationError
from tuned import calibration

from hatrick.cost import Cost


def test_the_latency_is_that_of_flops_bytes_and_chunks() -> None:
    one = calibration(ms_per_flop=2, ms_per_byte=3, ms_per_chunk=5)
    assert one.latency_ms(Cost(7, 11), 13) == 2 * 7 + 3 * 11 + 5 * 13


def test_it_is_of_a_device_threads_dtype_direction_and_variant() -> None:
    changes = [
        {"device_name": "another"},
        {"threads": 99},
        {"dtype": "float64"},
        {"direction": "forward"},
        {"variant": "lsh"},
    ]
    assert len({calibration(**change).key for change in ({}, *changes)}) == 6
    assert calibration(ms_per_flop=1, samples=9).key == calibration().key


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ms_per_flop": 0, "ms_per_byte": 0, "ms_per_chunk": 0}, "at least one coefficient"),
        ({"ms_per_byte": -1}, "greater than or equal to 0"),
        ({"created_at": "2026-01-02T03:04:05"}, "timezone"),
    ],
)
def test_it_holds_no_nonsense(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        calibration(**changes)
