from __future__ import annotations

from collections.abc import Callable

import pytest

from reports.entries import matches, parse, with_options_of
from reports.frame import to_frame
from reports.runfile import Run
from reports.schema import Record


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("lsh", True),
        ("lsh:rounds=4", True),
        ("lsh:rounds=4:masked=true:chunk_size=64", True),
        ("lsh:rounds=1", False),
        ("lsh:rounds=4:backend=sdpa", False),
        ("lsh:backend=auto", True),
        ("full", False),
        ("lsh:wrap=flat", False),
    ],
)
def test_an_entry_is_the_rows_that_have_all_it_names(
    record: Callable[..., Record], run: Callable[..., Run], entry: str, expected: bool
) -> None:
    frame = to_frame([run([record("lsh", options={"rounds": 4, "masked": True})])])
    assert matches(frame.iloc[0], entry) is expected


def test_an_entry_without_a_backend_is_the_automatic_one(
    record: Callable[..., Record], run: Callable[..., Run]
) -> None:
    row = to_frame([run([record(backend="plain")])]).iloc[0]
    assert matches(row, "hatrick:backend=plain")
    assert not matches(row, "hatrick")


def test_rows_without_the_option_or_the_chunk_size_stay(
    record: Callable[..., Record], run: Callable[..., Run]
) -> None:
    records = [record("lsh", options={"rounds": rounds}) for rounds in (1, 4)]
    records += [record("full"), record("lsh", options={"rounds": 4}, chunk_size=32)]
    frame = to_frame([run(records)])
    kept = with_options_of(frame, "lsh:rounds=4:chunk_size=64:backend=sdpa")
    assert kept.index.tolist() == [1, 2]


def test_an_option_without_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'lsh:rounds'; write lsh:option=value"):
        parse("lsh:rounds")
