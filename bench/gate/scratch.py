"""Temporary folders that tell who made them, so that what a killed gate left is found and gone."""

from __future__ import annotations

import atexit
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.gate.signals import signals_held
from bench.spec import SpecError

PREFIX = "hatrick-gate-"
LOCK = "lock"
"""A file that the maker holds a lock on while it lives: a process in another container has a number
that says nothing here, and may share this folder."""


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder of this process, `hatrick-gate-<pid>-…`, gone at the end of the block.

    Raises:
        SpecError: it cannot be made.
    """
    made: list[tuple[Path, int]] = []
    try:
        with signals_held():
            made.append(_make())
        yield made[0][0]
    finally:
        with signals_held():
            for folder, lock in made:
                _remove(folder, lock)


def scratch_until_exit() -> Path:
    """The same, gone when this process ends.

    Raises:
        SpecError: it cannot be made.
    """
    with signals_held():
        folder, lock = _make()
        atexit.register(_remove, folder, lock)
    return folder


def left_behind() -> list[Path]:
    """Folders of this user whose makers are dead."""
    return [each for each in Path(tempfile.gettempdir()).glob(f"{PREFIX}*") if is_left_behind(each)]


def is_left_behind(folder: Path) -> bool:
    """Whether a path is that of a scratch folder whose maker is dead; it need not exist.

    The maker is taken for alive if its number is that of a process, or if it holds the lock.
    """
    maker = re.fullmatch(rf"{PREFIX}(\d+)-\w+", folder.name)
    if maker is None or psutil.pid_exists(int(maker[1])):
        return False
    try:
        if folder.lstat().st_uid != os.getuid():
            return False
        lock = os.open(folder / LOCK, os.O_RDWR)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True


def _make() -> tuple[Path, int]:
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")).resolve()
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError as error:
        raise SpecError(
            f"no temporary folder can be made in {tempfile.gettempdir()} ({error.strerror}); free "
            "some space there, or set TMPDIR to another folder"
        ) from None
    return folder, lock


def _remove(folder: Path, lock: int) -> None:
    if folder.name.startswith(f"{PREFIX}{os.getpid()}-"):  # a forked child ends, too
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
