from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bench.gate.scratch import LOCK, PREFIX, is_left_behind, left_behind, scratch
from bench.spec import SpecError


@pytest.fixture
def dead() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_a_folder_has_its_makers_number_and_is_gone_after_the_block(
    own_temporary_folder: Path,
) -> None:
    with scratch() as folder:
        assert folder.parent == own_temporary_folder
        assert folder.name.startswith(f"{PREFIX}{os.getpid()}-")
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_text("")
    assert not folder.exists()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_it_is_gone_after_an_error(error: type[BaseException]) -> None:
    with pytest.raises(error), scratch() as folder:
        raise error
    assert not folder.exists()


def test_it_is_gone_when_its_process_ends() -> None:
    script = "from bench.gate.scratch import scratch_until_exit; print(scratch_until_exit())"
    fork = "; import os, sys; child = os.fork(); child and os.waitpid(child, 0)"
    alive = f"{fork}; print(os.path.exists('{tempfile.gettempdir()}') and os.listdir('.'))"
    done = subprocess.run(
        [sys.executable, "-c", script + alive],
        capture_output=True,
        text=True,
        cwd=tempfile.gettempdir(),
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])},
    )
    folder, *_, last = done.stdout.splitlines()
    assert Path(folder).name in last, "a forked child that ended has removed it"
    assert not Path(folder).exists()


def test_only_what_a_dead_process_made_is_left_behind(
    own_temporary_folder: Path, dead: int
) -> None:
    kept = [f"{PREFIX}{os.getpid()}-living", f"other-{dead}-x", f"{PREFIX}x-y", f"{PREFIX}{dead}"]
    for name in (*kept, f"{PREFIX}{dead}-abc_12"):
        (own_temporary_folder / name).mkdir()
    assert left_behind() == [own_temporary_folder / f"{PREFIX}{dead}-abc_12"]


def test_a_lock_that_is_held_tells_of_a_maker_in_another_container(
    own_temporary_folder: Path, dead: int
) -> None:
    folder = own_temporary_folder / f"{PREFIX}{dead}-abc"
    folder.mkdir()
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert not is_left_behind(folder)
    assert is_left_behind(folder)


def test_a_folder_that_is_gone_is_told_by_its_name(own_temporary_folder: Path, dead: int) -> None:
    assert is_left_behind(own_temporary_folder / f"{PREFIX}{dead}-abc")
    assert not is_left_behind(own_temporary_folder / f"{PREFIX}{os.getpid()}-abc")


def test_a_living_maker_holds_its_lock() -> None:
    with scratch() as folder, (folder / LOCK).open() as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_no_room_for_a_folder_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with pytest.raises(SpecError, match=r"in /nowhere \(No such file.*set TMPDIR"), scratch():
        pass
