from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from reports.schema import Record


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"visits": [2], "rounds": [0]}, "visits add up to 2 samples and there are 3"),
        ({"visits": [1, 2], "rounds": [0]}, "2 visits belong to 1 rounds"),
        ({"visits": [3, 0], "rounds": [0, 1]}, "greater than or equal to 1"),
        ({"target": 0.0}, "greater than 0"),
        ({"cpu_wait": 1.5}, "less than or equal to 1"),
    ],
)
def test_latencies_that_cannot_be(
    record: Callable[..., Record], figures: dict[str, object], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        record(latency=figures)


def test_all_of_a_latency_comes_back_from_its_line(record: Callable[..., Record]) -> None:
    figures = {"visits": [1, 2], "rounds": [7, 9], "throttled": [2], "launch_hidden": 0.5}
    made = record(latency=figures)
    assert Record.model_validate_json(made.model_dump_json()) == made
