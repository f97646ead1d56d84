"""`hatrick profiles` as its user types it."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from tuned import calibration, law, profile, tuned
from typer.testing import CliRunner

from bench.profiles import profiles
from hatrick.chunk_size import store
from hatrick.chunk_size.profile import Evidence

app = typer.Typer(rich_markup_mode=None)
app.add_typer(profiles, name="profiles")


@app.callback()
def hatrick() -> None:
    """So that `profiles` is a command of several."""


def call(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["profiles", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(store, "SHIPPED", tmp_path / "shipped")
    return store.folder()


def test_an_empty_list_says_what_to_do(user: Path) -> None:
    code, out, _ = call("list")
    assert code == 0
    assert f"0 profiles; your own are in {user}" in out
    assert "`hatrick tune` makes one" in out


def test_the_list_has_them_all(user: Path) -> None:
    mine = profile(
        tuned(512, 32, ties=[48]), tuned(1024, 48, confirmed=False), device_name="a [red] CPU"
    )
    store.save(mine)
    theirs = profile(dtype="float64", threads=0, causal=True, options={"rounds": 2})
    store.save(theirs, store.SHIPPED / "a.json")
    store.save_calibration(calibration(variant="lsh"))
    (user / "bad.json").write_text("{")
    code, out, err = call("list")
    assert code == 0
    for words in (
        mine.key[:8], theirs.key[:8], "512: 32 ties with 48", "1,024: (48)",
        "own", "shipped", "causal", "hatrick:rounds=2", "lsh,", "a [red] CPU", "2026-01-02",
        "2 profiles",
    ):  # fmt: skip
        assert words in out, words
    assert f"Left out: {user / 'bad.json'}: is cut" in err


def test_one_is_shown_with_its_evidence() -> None:
    evidence = [
        Evidence(chunk_size=32, ratio=1),
        Evidence(
            chunk_size=48, ratio=1.014, low=0.998, high=1.031,
            workspace_bytes=3 << 20, distance_to_full=0.25,
        ),
    ]  # fmt: skip
    one = profile(
        tuned(512, 32, ties=[48], evidence=evidence),
        tuned(1024, 48, day=3, confirmed=False),
        law=law(),
        constraints={"most memory": "1 GiB"},
    )
    path = store.save(one)
    code, out, _ = call("show", one.key[:5].upper())
    assert code == 0
    for words in (
        f"Profile {one.key}: hatrick, dim 64, heads 4, batch 1, float32, forward+backward",
        "Under these constraints: most memory 1 GiB",
        "fitted to 3 lengths from 1,024 to 4,096, error 2.0%",
        "Run run0, 2026-01-02 03:04, commit 0123abc: hatrick tune",
        "Run run3",
        "T = 512: 32 ties with 48, 2.5 ms",
        "T = 1,024: (48), 2.5 ms, not confirmed",
        "chosen", "ties", "1.014", "0.998 to 1.031", "3.0 MiB", "0.250",
        str(path),
    ):  # fmt: skip
        assert words in out.replace("\n" + str(path.parent), str(path.parent)), words


def test_a_calibration_is_shown_and_deleted_and_not_exported(tmp_path: Path) -> None:
    one = calibration()
    path = store.save_calibration(one)
    assert "1000" in call("show", one.key)[1]  # 1e-9 ms a FLOP
    code, _, err = call("export", one.key, tmp_path / "a.json")
    assert (code, "is a calibration" in err) == (2, True)
    assert call("delete", one.key)[0] == 0
    assert not path.exists()


def test_export_and_import_carry_one_over(
    tmp_path: Path, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = profile(tuned(512, 32, day=1), tuned(1024, 48, day=1))
    store.save(one)
    file = tmp_path / "theirs.json"
    assert call("export", one.key[:6], file)[:2] == (0, f"{file}: profile {one.key}\n")
    assert store.load(file) == one
    assert [path.name for path in tmp_path.glob("*.json")] == ["theirs.json"]
    code, _, err = call("export", one.key, file)
    assert (code, err) == (
        2,
        f"hatrick: {file} exists and is never overwritten; choose another name\n",
    )

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "another"))
    place = store.save(profile(tuned(512, 16), tuned(2048, 64)))
    code, out, _ = call("import", file)
    assert (code, out) == (0, f"{file}: profile {one.key}, now in {place}\n")
    assert [(each.seq_len, each.chunk_size) for each in store.load(place).lengths] == [
        (512, 32), (1024, 48), (2048, 64),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"schema_version":1', '"schema_version":2', "is written in schema 2"),
        (
            '"chunk_size":48,"ties"',
            '"chunk_size":-48,"ties"',
            "chunk_size: Input should be greater",
        ),
        ('"lengths":', '"lengths', "is cut, or is no JSON"),
    ],
)
def test_a_bad_file_is_a_sentence_and_the_others_are_taken(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    text = profile(tuned(1024, 48)).model_dump_json()
    bad, good = tmp_path / "bad.json", tmp_path / "good.json"
    good.write_text(text)
    bad.write_text(text.replace(before, after))
    code, out, err = call("import", bad, tmp_path / "none.json", good)
    assert code == 2
    assert f"hatrick: {bad}: " in err
    assert message in err
    assert f"{tmp_path / 'none.json'}: cannot be read (No such file or directory)" in err
    assert out.startswith(f"{good}: profile ")
    assert len(store.profiles().stored) == 1


def test_a_folder_that_cannot_be_written(tmp_path: Path, user: Path) -> None:
    one = profile()
    file = store.save(one, tmp_path / "one.json")
    user.parent.mkdir(parents=True)
    user.touch()
    code, _, err = call("import", file)
    assert code == 2
    assert f"hatrick: {user} cannot be written (" in err
    store.save(one, store.SHIPPED / "a.json")
    code, _, err = call("export", one.key, tmp_path / "nowhere" / "a.json")
    assert code == 2
    assert "cannot be written (No such file or directory)" in err


def test_delete_takes_the_users_own_alone() -> None:
    mine, theirs = profile(), profile(dtype="float64")
    path = store.save(mine)
    shipped = store.save(theirs, store.SHIPPED / "a.json")
    assert call("delete", mine.key)[:2] == (0, f"Deleted: {path}\n")
    assert not path.exists()
    code, _, err = call("delete", theirs.key)
    assert code == 2
    assert f"{theirs.key} comes with the package and stays" in err
    assert shipped.exists()


def test_what_cannot_be_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    one = profile()
    path = store.save(one)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    code, _, err = call("delete", one.key)
    assert (code, err) == (2, f"hatrick: {path} cannot be deleted (Permission denied)\n")


def test_a_key_that_fits_none_or_several() -> None:
    assert call("show", "0")[0] == 2
    assert "there is no profile yet" in call("show", "0")[2]
    some = [profile(dim=8 * dim) for dim in range(1, 20)]
    for one in some:
        store.save(one)
    first = some[0].key[0]
    digit = next(d for d in "0123456789abcdef" if sum(o.key[0] == d for o in some) > 1)
    code, _, err = call("show", digit)
    assert code == 2
    assert f"{digit!r} begins " in err
    assert "so give more digits: " in err
    code, _, err = call("show", first + "x")
    assert code == 2
    assert f"no profile's key begins with '{first}x'; there is " in err
