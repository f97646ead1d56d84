from __future__ import annotations

import json
import multiprocessing
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tuned import calibration, profile, tuned

from hatrick import profiles as shipped
from hatrick.chunk_size import store
from hatrick.chunk_size.profile import Profile
from hatrick.chunk_size.store import ProfileError, load, profiles, save

WHOLE = profile(tuned(512, 32), tuned(1024, 48)).model_dump_json()


def kept() -> list[Profile]:
    found = profiles()
    assert not found.refused
    return [each.content for each in found.stored]


def test_it_is_kept_in_the_users_own_folder_under_a_readable_name(user: Path) -> None:
    assert not user.exists()
    assert kept() == []
    path = save(profile(device_name="NVIDIA H200 (SXM)"))
    assert path.parent == user
    assert path.name == f"hatrick-nvidia-h200-sxm-{load(path).key}.json"
    assert [each.name for each in user.iterdir()] == [path.name]  # no lock, no part


def test_lengths_are_joined_in_one_file_and_other_keys_have_their_own(user: Path) -> None:
    save(profile(tuned(512, 32)))
    path = save(profile(tuned(1024, 48)))
    save(profile(tuned(512, 16), dtype="float64"))
    assert [each.seq_len for each in load(path).lengths] == [512, 1024]
    assert len(kept()) == 2


def test_a_file_of_ones_own(tmp_path: Path, user: Path) -> None:
    path = tmp_path / "new" / "mine.json"
    assert save(profile(tuned(512, 32)), path) == path
    save(profile(tuned(1024, 48)), path)
    assert len(load(path).lengths) == 2
    newer = profile(tuned(2048, 64), changed={"torch": "99"})
    save(newer, path)
    assert load(path) == newer
    with pytest.raises(ProfileError, match=r"another setting \(dtype, batch differ\)"):
        save(profile(dtype="float64", batch=2), path)
    with pytest.raises(ProfileError, match=r"another setting \(constraints differ\)"):
        save(profile(constraints={"most memory": "1 GiB"}), path)
    assert load(path) == newer
    assert [each.name for each in path.parent.iterdir()] == ["mine.json"]
    assert not user.exists()


def test_a_file_that_is_no_profile_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "notes.json"
    path.write_text("{}")
    with pytest.raises(ProfileError, match="no schema_version"):
        save(profile(), path)
    assert path.read_text() == "{}"


def test_what_is_damaged_in_the_users_folder_costs_no_measurement() -> None:
    path = save(profile(tuned(512, 32)))
    path.write_text(path.read_text()[:100])
    assert save(profile(tuned(1024, 48))) == path
    assert load(path) == profile(tuned(1024, 48))
    assert len(path.with_name(path.name + ".damaged").read_text()) == 100
    assert len(kept()) == 1


def write_lengths(first: int, barrier: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    for seq_len in range(first, first + 40, 2):
        save(profile(tuned(seq_len, 16)))


def test_two_processes_lose_nothing_of_each_other(user: Path) -> None:
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    writers = [context.Process(target=write_lengths, args=(first, barrier)) for first in (512, 513)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    (both,) = kept()
    assert [each.seq_len for each in both.lengths] == list(range(512, 552))
    assert len(list(user.iterdir())) == 1


def test_a_file_system_without_locks_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", refuse)
    assert load(save(profile())) == profile()


def test_a_disk_that_is_full_leaves_the_old_file(
    user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(profile(tuned(512, 32)))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save(profile(tuned(1024, 48)))
    assert load(path) == profile(tuned(512, 32))
    assert list(user.iterdir()) == [path]


def changed(**changes: object) -> str:
    return json.dumps(json.loads(WHOLE) | changes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WHOLE[:300], "is cut, or is no JSON"),
        ("", "is cut, or is no JSON"),
        ("[]", "is no profile of hatrick-bench"),
        (changed(schema_version=2), "in schema 2, and this version reads 1; update hatrick-bench"),
        (changed(lengths=[]), "lengths: List should have at least 1 item"),
        (changed(surplus=1), "surplus: Extra inputs are not permitted, got 1"),
        (
            WHOLE.replace('"chunk_size":48,"ties"', '"chunk_size":-48,"ties"'),
            r"lengths\.1\.chunk_size: Input should be greater than or equal to 1, got -48",
        ),
        (WHOLE.replace('"ratio":1.25', '"ratio":0'), "ratio: .* got 0; .*; and [0-9]+ more"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "their.json"
    path.write_text(content)
    with pytest.raises(ProfileError, match=f"^{path}: .*{message}"):
        load(path)


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"none: cannot be read \(No such file"):
        load(tmp_path / "none")
    with pytest.raises(ProfileError, match=r"cannot be read \(Is a directory"):
        load(tmp_path)


@given(st.binary(max_size=40), st.integers(0, len(WHOLE)), st.integers(0, 40))
def test_however_it_is_mangled_it_is_a_profile_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, at: int, gap: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "mangled.json"
    path.write_bytes(WHOLE[:at].encode() + junk + WHOLE[at + gap :].encode())
    with suppress(ProfileError):
        assert all(1 <= each.chunk_size <= each.seq_len for each in load(path).lengths)


def test_deep_nesting_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_text("[" * 100_000)
    with pytest.raises(ProfileError, match="no JSON"):
        load(path)


def test_the_users_own_comes_first_and_hides_a_shipped_one_of_its_key(
    user: Path, tmp_path: Path
) -> None:
    save(profile(tuned(512, 32)), store.SHIPPED / "a.json")
    save(profile(tuned(512, 48), dtype="float64"), store.SHIPPED / "b.json")
    mine = save(profile(tuned(512, 16)))
    assert [(each.path, each.shipped) for each in profiles().stored] == [
        (mine, False),
        (store.SHIPPED / "b.json", True),
    ]


def test_one_that_cannot_be_read_takes_no_other_down(user: Path) -> None:
    save(profile())
    (user / "bad.json").write_text("{")
    (user / "notes.txt").write_text("{")
    found = profiles()
    assert len(found.stored) == 1
    assert [sentence.partition(":")[0] for sentence in found.refused] == [str(user / "bad.json")]


def test_a_folder_that_is_a_file(user: Path) -> None:
    user.parent.mkdir(parents=True)
    user.touch()
    (sentence,) = profiles().refused
    assert sentence == f"{user}: cannot be read (Not a directory)"


def test_calibrations_are_kept_apart_the_last_of_each_key(user: Path) -> None:
    assert store.calibrations().stored == []
    store.save_calibration(calibration(samples=5))
    store.save_calibration(calibration(samples=6))
    store.save_calibration(calibration(variant="lsh"))
    found = store.calibrations()
    assert sorted((each.content.variant, each.content.samples) for each in found.stored) == [
        ("hatrick", 6),
        ("lsh", 30),
    ]
    assert kept() == []
    found.stored[0].path.write_text(WHOLE)
    assert "is no valid calibration: device_name: Field required" in store.calibrations().refused[0]


def test_what_is_shipped_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Path(shipped.__file__).parent
    monkeypatch.setattr(store, "SHIPPED", place)
    found = profiles()
    assert not found.refused
    assert {each.path for each in found.stored} == set(place.glob("*.json"))
    assert all(each.shipped for each in found.stored)
    assert place.samefile(Path(store.__file__).parents[1] / "profiles")
