from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.operator_table import Operator, Profile, operator_table, read_profile
from reports.runfile import RunFileError
from reports.schema import Environment, Record


@pytest.fixture
def profile(record: Callable[..., Record], environment: Callable[..., Environment]) -> Profile:
    """A call of 20 ms in four operators."""
    shares = {"aten::mm": 0.5, "aten::add_": 0.3, "k" * 80: 0.15, "aten::view": 0.05}
    return Profile(
        point=record("lsh", 4096, options={"rounds": 4}).point,
        environment=environment(),
        profiled_calls=10,
        total_ms=20.0,
        operators=[
            Operator(name=name, calls=3, self_ms=20 * share, share=share)
            for name, share in shares.items()
        ],
    )


def test_the_first_have_rows_and_the_others_share_one(profile: Profile) -> None:
    assert operator_table(profile, "2").splitlines()[:5] == [
        "| operator | times | self time | share |",
        "| --- | --: | --: | --: |",
        "| aten::mm | 3 | 10.0 ms | 50% |",
        r"| aten::add\_ | 3 | 6.00 ms | 30% |",
        "| all others (2) | 6 | 4.00 ms | 20% |",
    ]


def test_a_table_of_all_has_no_others_and_cuts_long_names(profile: Profile) -> None:
    text = operator_table(profile, "9")
    assert "all others" not in text
    assert f"| {'k' * 59}… | 3 | 3.00 ms | 15% |" in text


def test_the_call_and_the_machine_are_named(profile: Profile) -> None:
    assert operator_table(profile, "1").splitlines()[-1] == (
        "lsh:rounds=4, backend sdpa, T = 4k, chunk 64, forward, layer, float32, batch 1, dim 64, "
        "4 heads: 20.0 ms a call, mean of 10, under the profiler. Example CPU 9000, 2 cores, "
        "2 threads, torch 2.13.0+cpu; commit 0123abc, 2025-03-04."
    )


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_a_table_needs_a_number_of_rows(profile: Profile, count: str) -> None:
    with pytest.raises(ValueError, match="at least 1; got"):
        operator_table(profile, count)


def test_a_profile_is_read_as_it_was_written(profile: Profile, tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    path.write_text(profile.model_dump_json(indent=1))
    assert read_profile(path) == profile


def test_what_is_no_profile_is_refused_by_name(profile: Profile, tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match=r"gone\.json: cannot be read"):
        read_profile(tmp_path / "gone.json")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(RunFileError, match=r"other\.json: no profile"):
        read_profile(tmp_path / "other.json")


def test_shares_that_are_not_of_the_whole_are_refused(profile: Profile) -> None:
    values: dict[str, Any] = profile.model_dump(mode="json")
    values["operators"] = values["operators"][1:]
    with pytest.raises(ValueError, match="do not add up to 1"):
        Profile.model_validate(values)
