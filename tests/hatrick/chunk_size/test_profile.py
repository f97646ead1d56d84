from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from tuned import law, profile, setting, tuned

from hatrick.chunk_size.profile import Evidence, Profile


def test_it_survives_its_file() -> None:
    whole = profile(
        tuned(512, 32),
        tuned(1024, 48, ties=[32, 64]),
        law=law(),
        constraints={"most memory": "2 GiB", "most distance": 0.5},
        options={"rounds": 2, "wrap": "flat", "fast": True},
    )
    again = Profile.model_validate_json(whole.model_dump_json())
    assert again == whole
    assert again.key == whole.key


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chunk_size": -64}, "greater than or equal to 1"),
        ({"chunk_size": 80}, "no evidence for chunk size 80"),
        ({"ties": [48]}, "48, cannot tie with itself"),
        ({"ties": [64, 32]}, "ties stands by chunk size"),
        ({"ties": [17]}, "no evidence for chunk size 17"),
        ({"seq_len": 128}, "chunk size 256 is above the length, 128"),
        ({"seq_len": True}, "valid integer"),
        ({"evidence": []}, "at least 1 item"),
        ({"latency_ms": 0}, "greater than 0"),
        ({"latency_ms": float("nan")}, "finite number"),
        ({"best": 1}, "Extra inputs"),
    ],
)
def test_a_length_holds_no_nonsense(changes: dict[str, Any], message: str) -> None:
    values = tuned(1024, 48).model_dump() | changes
    with pytest.raises(ValidationError, match=message):
        type(tuned(1024, 48)).model_validate(values)


@pytest.mark.parametrize(
    ("interval", "message"),
    [
        ({"low": 1.1}, "both ends"),
        ({"high": 1.1}, "both ends"),
        ({"low": 1.2, "high": 1.1}, r"low end \(1.2\) is above its high \(1.1\)"),
    ],
)
def test_an_interval_is_one(interval: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Evidence(chunk_size=16, ratio=1.15, **interval)


def test_lengths_ascend_each_once() -> None:
    for lengths in ((tuned(1024, 48), tuned(512, 32)), (tuned(512, 32), tuned(512, 48))):
        with pytest.raises(ValidationError, match="ascending order, each once"):
            profile(*lengths)


def test_a_law_is_the_sum_of_its_terms() -> None:
    terms = {
        "fixed": 13,
        "per_token": 11,
        "per_key": 2,
        "per_cls": 3,
        "per_chunk": 5,
        "per_pair": 7,
    }
    one = law(**terms, tail=1.5, factors={10: 2.0})
    # 13 chunks of 10 tokens, the last of 4 with 6 of padding.
    of_130 = 13 + 11 * 130 + 2 * 130 * 10 + 3 * 130 * 13 + 5 * 13 + 7 * 13**2
    assert one.smooth(130, 10) == one.smooth(124, 10) == of_130
    assert one.at(130, 10) == 2 * of_130
    assert one.at(124, 10) == 1.5 * 2 * of_130


def test_the_best_by_a_law_leaves_no_tail_where_that_matters() -> None:
    even = law(factors={48: 1.0, 64: 1.0, 96: 1.0})
    assert even.best(4096) == 64
    assert law(factors={48: 1.0, 64: 1.0, 96: 1.0}, tail=1.2).best(2400) == 48
    assert law(factors={48: 0.8, 64: 1.0}).best(4096) == 48
    assert law(factors={48: 1.0, 64: 1.0}).best(40) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fixed": 0, "per_token": 0, "per_key": 0, "per_cls": 0}, "at least one coefficient"),
        ({"factors": {}}, "at least 1 item"),
        ({"factors": {64: 0}}, "greater than 0"),
        ({"factors": {-64: 1}}, "greater than or equal to 1"),
        ({"tail": 0}, "greater than 0"),
        ({"per_key": -1e-9}, "greater than or equal to 0"),
        ({"since": 8192}, "since 8192 cannot hold until 4096"),
    ],
)
def test_a_law_holds_no_nonsense(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        law(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"dtype": "bfloat16"},
        {"options": {"rounds": 2}},
        {"direction": "forward"},
        {"batch": 2},
        {"threads": setting().threads + 1},
        {"constraints": {"most memory": "1 GiB"}},
        {"changed": {"torch": "1.0"}},
        {"changed": {"code": "0"}},
    ],
)
def test_whatever_it_is_of_is_in_its_key(changes: dict[str, Any]) -> None:
    assert profile(**changes).key != profile().key


def test_figures_are_not_in_its_key() -> None:
    assert profile(tuned(512, 16, day=3), law=law()).key == profile().key
    assert len(profile().key) == 16


def test_of_two_the_last_counts_length_by_length() -> None:
    one = profile(tuned(512, 16, day=1), tuned(1024, 32, day=5))
    other = profile(tuned(1024, 64, day=4), tuned(2048, 64, day=4))
    for joined in (one.joined(other), other.joined(one)):
        assert [(each.seq_len, each.chunk_size) for each in joined.lengths] == [
            (512, 16), (1024, 32), (2048, 64),
        ]  # fmt: skip
        assert joined.newest.run_id == "run5"
        assert Profile.model_validate(joined.model_dump()) == joined


def test_of_two_laws_that_of_more_lengths_counts_then_the_last() -> None:
    few, many = law(lengths=1, error=0.5), law(lengths=4, error=0.1)
    early, late = profile(tuned(512, 16, day=1)), profile(tuned(1024, 16, day=2))

    def joined(first: Any, second: Any) -> Any:
        pair = (early.model_copy(update={"law": first}), late.model_copy(update={"law": second}))
        assert pair[0].joined(pair[1]) == pair[1].joined(pair[0])
        return pair[0].joined(pair[1]).law

    assert joined(many, few) == joined(few, many) == joined(many, None) == many
    assert joined(law(error=0.1), law(error=0.2)) == law(error=0.2)
    assert joined(None, None) is None
