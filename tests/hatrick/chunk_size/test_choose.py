from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tuned import START, calibration, law, profile, tuned, wanted

from hatrick.chunk_size import choose as module
from hatrick.chunk_size import store
from hatrick.chunk_size.choose import Choice, choose, square_root
from hatrick.chunk_size.wanted import Direction
from hatrick.cost import Cost, hatrick_cost, passes


def cost(chunk_size: int, direction: Direction) -> Cost:
    return hatrick_cost(64, chunk_size, 1, 1024) * passes(direction)


def chosen(seq_len: Any = 1024, **changes: Any) -> tuple[Choice, list[str]]:
    """The choice, and what it warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        choice = choose(wanted(seq_len, **changes), cost)
    return choice, [str(each.message) for each in caught]


def test_from_a_profile_of_the_length() -> None:
    store.save(profile(tuned(1024, 192)))
    choice, said = chosen()
    assert choice.chunk_size == 192
    assert ": tuned at T = 1,024 (" in choice.source
    assert said == []


def test_from_the_law_of_a_profile() -> None:
    store.save(profile(tuned(2048, 192), law=law()))
    choice, said = chosen(4096)
    assert choice.chunk_size == 64
    assert "law fitted between" in choice.source
    assert said == []


def test_other_software_warns() -> None:
    store.save(profile(tuned(1024, 192), changed={"torch": "1.0"}))
    choice, (sentence,) = chosen()
    assert choice.chunk_size == 192
    assert "made with torch 1.0" in choice.source
    assert "made with torch 1.0" in sentence
    assert "hatrick tune --variant hatrick --seq-len 1024 --dim 64" in sentence


def test_from_a_calibration() -> None:
    store.save(profile(tuned(4096, 192)))
    store.save_calibration(calibration(ms_per_flop=0, ms_per_byte=0))
    choice, (sentence,) = chosen()
    # All that costs anything are chunks.
    assert choice == Choice(
        1024, "the cost model and the calibration of 2026-01-02 (forward+backward)"
    )
    assert "is of T = 4,096, and cannot say more" in sentence
    store.save_calibration(calibration(ms_per_byte=0, ms_per_chunk=0))
    expected = min((16, 32, 48, 64, 96), key=lambda size: cost(size, "forward").flops)
    assert chosen()[0].chunk_size == expected


@pytest.mark.parametrize(
    "other",
    [{"device_name": "another"}, {"threads": 99}, {"dtype": "float64"}, {"variant": "lsh"}],
)
def test_only_a_calibration_of_this_device_and_variant_is_taken(other: dict[str, Any]) -> None:
    store.save_calibration(calibration(ms_per_flop=0, ms_per_byte=0, **other))
    assert chosen()[0].source.startswith("sqrt(T)")


def test_a_calibration_of_training_comes_first_and_of_what_is_wanted_alone() -> None:
    later = START.replace(year=2027)
    store.save_calibration(calibration(ms_per_flop=0, ms_per_byte=0))
    store.save_calibration(calibration(direction="forward", created_at=later))
    assert chosen()[0].chunk_size == 1024
    assert "2027-01-02 (forward)" in chosen(direction="forward")[0].source


def test_a_batch_has_more_chunks() -> None:
    store.save_calibration(calibration(ms_per_flop=1e-9, ms_per_byte=0, ms_per_chunk=1e-3))
    assert chosen(batch=64)[0].chunk_size > chosen(batch=1)[0].chunk_size


def test_a_cost_that_nobody_knows_calibrates_nothing() -> None:
    store.save_calibration(calibration())
    with pytest.warns(UserWarning, match="cost is not known"):
        choice = choose(wanted(), lambda size, direction: None)
    assert choice.source.startswith("sqrt(T)")


def test_from_the_square_root_which_warns_once_in_a_process() -> None:
    choice, (sentence,) = chosen()
    assert choice == Choice(32, "sqrt(T), the nearest multiple of 16")
    assert sentence.startswith('chunk_size="auto" takes 32 for hatrick at T = 1,024 from sqrt(T)')
    assert sentence.endswith(f"run `{wanted().command}`")
    assert chosen() == (choice, [])
    assert len(chosen(2048)[1]) == 1


@pytest.mark.parametrize(
    ("seq_len", "expected"),
    [(1, 1), (15, 15), (16, 16), (20, 16), (575, 16), (577, 32), (8192, 96), (65536, 256)],
)
def test_the_square_root(seq_len: int, expected: int) -> None:
    assert square_root(seq_len) == expected


@pytest.mark.parametrize("seq_len", [0, -8, 10.5, "8k", True, None])
def test_what_is_no_length(seq_len: Any) -> None:
    with pytest.raises(ValueError, match=f"integer of at least 1, got {seq_len!r}"):
        choose(wanted(seq_len), cost)


def spoil(content: str) -> None:
    store.save(profile()).write_text(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is cut, or is no JSON"),
        ('{"schema_version": 2}', "written in schema 2"),
        ('{"schema_version": 1}', "is no valid profile"),
    ],
)
def test_a_bad_file_falls_back_and_is_named(content: str, message: str) -> None:
    spoil(content)
    choice, said = chosen()
    assert choice.chunk_size == 32
    assert len(said) == 2
    assert said[0].startswith('chunk_size="auto" leaves out a profile. /')
    assert message in said[0]


def test_a_negative_chunk_falls_back() -> None:
    path = store.save(profile(tuned(1024, 192)))
    text = path.read_text().replace('"chunk_size": 192', '"chunk_size": -192')
    path.write_text(text)
    choice, said = chosen()
    assert choice.chunk_size == 32
    assert "chunk_size: Input should be greater than or equal to 1, got -192" in said[0]


def test_a_folder_that_is_a_file_falls_back(user: Path) -> None:
    user.parent.mkdir(parents=True)
    user.touch()
    assert chosen()[0].chunk_size == 32


@pytest.mark.parametrize("broken", ["profiles", "calibrations"])
def test_whatever_goes_wrong_a_layer_is_made(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    def no_home() -> None:
        raise RuntimeError("could not determine home directory")

    monkeypatch.setattr(module, broken, no_home)
    choice, (sentence,) = chosen()
    assert choice.chunk_size == 32
    assert "RuntimeError: could not determine home" in sentence


def test_a_cost_that_fails_falls_back() -> None:
    store.save_calibration(calibration())

    def fails(chunk_size: int, direction: Direction) -> Cost:
        raise ZeroDivisionError

    with pytest.warns(UserWarning, match="ZeroDivisionError"):
        assert choose(wanted(), fails).chunk_size == 32


def test_a_gpu_that_the_layer_may_be_meant_for_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert 'make it there, by device="cuda"' in chosen()[1][0]
    assert not any("make it there" in said for said in chosen(2048, device="cpu")[1])


@given(
    seq_len=st.integers(1, 1 << 20),
    terms=st.lists(st.floats(0, 1e9), min_size=4, max_size=4).filter(any),
    fitted=st.integers(1, 1 << 20),
    calibrated=st.booleans(),
)
def test_it_lies_between_one_and_the_length(
    tmp_path_factory: pytest.TempPathFactory,
    seq_len: int,
    terms: list[float],
    fitted: int,
    calibrated: bool,
) -> None:
    names = ("per_key", "per_cls", "per_chunk", "per_pair")
    one = law(since=fitted, until=fitted, **dict(zip(names, terms, strict=True)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("given")))
        store.save(profile(tuned(fitted, min(fitted, 48)), law=one))
        if calibrated:
            store.save_calibration(calibration())
        choice, _ = chosen(seq_len)
    assert 1 <= choice.chunk_size <= seq_len
    if fitted / 2 <= seq_len <= 2 * fitted and seq_len >= 16 and fitted >= 32:
        assert choice.source.startswith("profile")


@given(st.binary(max_size=60), st.booleans())
def test_no_content_of_a_file_raises(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, whole: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("junk")))
        patch.setattr(module, "_said", set())
        path, other = store.save(profile()), store.save_calibration(calibration())
        for file in (path, other):
            content = file.read_bytes()
            file.write_bytes(junk + content if whole else content[: len(junk) * 20] + junk)
        choice, _ = chosen()
    assert 1 <= choice.chunk_size <= 1024


def test_a_choice_can_be_kept() -> None:
    choice = Choice(32, "given")
    assert pickle.loads(pickle.dumps(choice)) == choice
