from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tuned import law, profile, setting, tuned, wanted

from hatrick.chunk_size.matching import best_match, changes, nearest_miss, read_at
from hatrick.chunk_size.profile import Profile, Software
from hatrick.chunk_size.store import Stored


def best(*profiles: Profile | Stored[Profile], **changes: Any) -> int | None:
    """The chunk size of the best of them."""
    stored = [
        each if isinstance(each, Stored) else Stored(each, Path("a.json")) for each in profiles
    ]
    answers = {
        None if match is None else match.reading.chunk_size
        for match in (best_match(wanted(**changes), order) for order in (stored, stored[::-1]))
    }
    (answer,) = answers  # in whichever order they lie there
    return answer


@pytest.mark.parametrize(
    "change",
    [
        {"variant": "lsh"},
        {"options": {"rounds": 2}},
        {"backend": "sdpa"},
        {"device_name": "another"},
        {"threads": setting().threads + 1},
        {"dtype": "float64"},
        {"dim": 128},
        {"heads": 2},
        {"causal": True},
    ],
)
def test_only_a_profile_of_the_setting_is_taken(change: dict[str, Any]) -> None:
    assert best(profile(tuned(1024, 48))) == 48
    assert best(profile(tuned(1024, 48), **change)) is None


def test_what_is_not_known_may_be_anything_and_what_is_known_may_not() -> None:
    one = profile(tuned(1024, 48), direction="forward", batch=8)
    assert best(one) == best(one, direction="forward", batch=8) == 48
    assert best(one, direction="forward+backward") is None
    assert best(one, batch=4) is None


def test_the_very_length_comes_before_a_law() -> None:
    exact = profile(tuned(1024, 128), changed={"torch": "1.0"}, direction="forward")
    assert best(exact, profile(tuned(2048, 48), law=law())) == 128


def test_training_comes_before_the_same_software() -> None:
    trains = profile(tuned(1024, 48), changed={"torch": "1.0"})
    assert best(trains, profile(tuned(1024, 64), direction="forward")) == 48


def test_the_same_software_comes_before_a_smaller_batch() -> None:
    here, other = {"batch": 8}, {"changed": {"torch": "1.0"}}
    assert best(profile(tuned(1024, 48), **here), profile(tuned(1024, 64), **other)) == 48


def test_a_smaller_batch_comes_before_the_users_own() -> None:
    shipped = Stored(profile(tuned(1024, 48)), Path("a.json"), shipped=True)
    assert best(shipped, profile(tuned(1024, 64), batch=2)) == 48


def test_the_users_own_comes_before_a_newer_one() -> None:
    limits: dict[str, str | float] = {"most memory": "1 GiB"}
    own = profile(tuned(1024, 48))
    newer = profile(tuned(1024, 64, day=9), constraints=limits)
    assert best(own, Stored(newer, Path("a.json"), shipped=True)) == 48
    assert best(own, newer) == 64


def test_the_source_names_profile_terms_constraints_and_changes() -> None:
    one = profile(tuned(1024, 48), constraints={"most memory": "1 GiB"}, changed={"torch": "1.0"})
    match = best_match(wanted(), [Stored(one, Path("a.json"))])
    assert match is not None
    assert match.source.startswith(
        f"profile {one.key[:8]}: tuned at T = 1,024 (forward+backward, batch 1, most memory "
        "1 GiB); made with torch 1.0 (this is "
    )


def test_a_length_that_was_not_confirmed_says_nothing() -> None:
    assert read_at(profile(tuned(1024, 48, confirmed=False)), 1024) is None


@pytest.mark.parametrize(
    ("seq_len", "expected"),
    [(511, None), (512, 16), (1024, 32), (2000, 48), (4096, 64), (8192, 96), (8193, None)],
)
def test_a_law_is_believed_as_far_as_twice_from_its_lengths(
    seq_len: int, expected: int | None
) -> None:
    reading = read_at(profile(tuned(3000, 48), law=law()), seq_len)
    assert (reading and reading.chunk_size) == expected
    assert reading is None or not reading.exact


def test_a_law_says_nothing_of_chunk_sizes_that_nobody_tried() -> None:
    falling = law(per_key=1e-12)  # the larger the better
    reading = read_at(profile(tuned(3000, 48), law=falling), 4096)
    assert reading is not None
    assert reading.chunk_size == 256  # the largest that has a factor
    assert "between T = 1,024 and 4,096, at 4,096" in reading.how


def test_a_law_knows_no_constraints() -> None:
    limited = profile(tuned(1000, 48), law=law(), constraints={"most memory": "1 GiB"})
    assert read_at(limited, 2000) is None
    assert read_at(limited, 1000) is not None


@pytest.mark.parametrize(
    ("seq_len", "expected"), [(511, None), (512, 32), (1500, 32), (4096, 32), (4097, None)]
)
def test_without_a_law_the_nearest_lengths_must_agree(seq_len: int, expected: int | None) -> None:
    reading = read_at(profile(tuned(1024, 32), tuned(2048, 32)), seq_len)
    assert (reading and reading.chunk_size) == expected
    assert read_at(profile(tuned(256, 16), tuned(1024, 32), tuned(2048, 32)), 600) is None
    assert read_at(profile(tuned(1024, 32)), 1500) is None
    assert read_at(profile(tuned(1024, 32), tuned(2048, 48)), 1500) is None
    short = profile(tuned(64, 64), tuned(128, 64))
    assert read_at(short, 63) is None


@pytest.mark.parametrize(
    ("seq_len", "expected"), [(931, 32), (1126, 32), (930, None), (1127, None)]
)
def test_a_length_alone_is_good_for_those_next_to_it(seq_len: int, expected: int | None) -> None:
    reading = read_at(profile(tuned(1024, 32)), seq_len)
    assert (reading and reading.chunk_size) == expected
    assert reading is None or "tuned at T = 1,024, next to" in reading.how


def test_software_in_words() -> None:
    one = Software(driver="570", torch="2.12", code="a")
    assert changes(one, one) == ""
    other = Software(driver="", torch="2.13", code="b")
    assert changes(one, other) == (
        "made with torch 2.12 (this is 2.13) and driver 570 (this is none) and other code"
    )


def test_why_no_profile_is_taken() -> None:
    def miss(*profiles: Profile, **changes: Any) -> str:
        return nearest_miss(wanted(**changes), [Stored(each, Path("a.json")) for each in profiles])

    near, far = profile(dtype="float64"), profile(dtype="float64", dim=128)
    assert miss(profile(variant="lsh")) == "there is no profile of hatrick"
    assert miss(far, near) == (
        f"the nearest profile, {near.key[:8]}, is of dtype 'float64' and not 'float32'"
    )
    lengths = profile(tuned(512, 32), tuned(1024, 48, confirmed=False))
    assert miss(lengths) == (
        f"profile {lengths.key[:8]} is of T = 512, 1,024 (not confirmed), and cannot say more"
    )
