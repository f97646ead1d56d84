"""The folder of a history: every run is one file in it, and nothing else is true.

The name of a file sorts by time and tells commit and device; what it says is read from its first
line all the same. A run is put in place whole, by a rename, so that any number of writers may add
at a time, and the folder can be a git branch, a cache or a bucket.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from uuid import uuid4

from pydantic import ValidationError

from reports.history.conditions import Conditions, conditions
from reports.runfile import RunFileError, read_run
from reports.schema import READABLE_VERSIONS, Environment

COMMIT_DIGITS = 7
SLUG_CHARACTERS = 40


class HistoryError(ValueError):
    """A folder that is no history, or a run that cannot be added to one."""


class Added(StrEnum):
    """What became of a run that was to be added."""

    NEW = "added"
    SAME = "already there"
    LONGER = "replaced by its longer version"
    """The run was gone on with (`--resume`) after it had been added."""


@dataclass(frozen=True)
class Stored:
    """A run of a history."""

    path: Path
    environment: Environment

    @property
    def commit(self) -> str:
        """Its commit as tables name it; see `commit_of`."""
        return commit_of(self.environment)

    @cached_property
    def conditions(self) -> Conditions:
        """What may move its figures, but for the code."""
        return conditions(self.environment)

    @property
    def devices(self) -> list[str]:
        """Models of the devices that it was measured on."""
        return list(dict.fromkeys(self.environment.devices.values()))


def commit_of(environment: Environment) -> str:
    """Seven digits of the commit, `+` behind it where files were changed; outside a checkout the
    digest of the sources: `1a2b3c4`, `1a2b3c4+`, `code c0de5ee`."""
    if not environment.git_commit:
        return f"code {environment.code[:COMMIT_DIGITS]}"
    return environment.git_commit[:COMMIT_DIGITS] + ("+" if environment.git_dirty else "")


def add(path: Path, folder: Path) -> tuple[Stored, Added]:
    """Put a copy of a run file into a history.

    Returns:
        The run as it lies there, and what became of it. One that is there already is no second
        copy.

    Raises:
        RunFileError: the file cannot be read as a run.
        HistoryError: the folder cannot be a history, or holds another run of this name.
        OSError: it cannot be written; the history is as it was.
    """
    _require_folder(folder)
    run = read_run(path)
    if not run.records:
        raise HistoryError(f"{path}: holds no point that was measured, so it is not added")
    content = path.read_bytes()
    place = folder / file_name(run.environment)
    there = Stored(place, run.environment)
    before = place.read_bytes() if place.exists() else b""
    # A sweep that is resumed moves half a last line aside: only whole lines must come again.
    whole = before[: before.rfind(b"\n") + 1]
    if content == before:
        return there, Added.SAME
    if not content.startswith(whole):
        if before.startswith(content[: content.rfind(b"\n") + 1]):
            return there, Added.SAME  # what is there went on after this copy was made
        raise HistoryError(
            f"{path}: the history has a run {run.environment.run_id} with other records, "
            f"{place.name}; a run is never changed there, so delete that file first if it is wrong"
        )
    with placing(place) as part:
        part.write_bytes(content)
    return there, Added.LONGER if before else Added.NEW


@contextmanager
def placing(path: Path) -> Iterator[Path]:
    """A new file that takes the place of `path` at the end, unless something went wrong.

    Its name is of this call alone: writers on several machines may well have one process number.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def file_name(environment: Environment) -> str:
    """The name of a run in a history: time (UTC), commit, device, run."""
    moment = environment.created_at.astimezone(UTC)
    commit = environment.git_commit[:COMMIT_DIGITS] or environment.code[:COMMIT_DIGITS]
    devices = "-and-".join(dict.fromkeys(environment.devices.values()))
    parts = (f"{moment:%Y%m%dT%H%M%SZ}", _slug(commit), _slug(devices), _slug(environment.run_id))
    return "-".join(part or "none" for part in parts) + ".jsonl"


def stored(folder: Path) -> tuple[list[Stored], list[str]]:
    """The runs of a history by time, and a sentence for every run file that is left out.

    Only the first line of each is read.

    Raises:
        HistoryError: the folder is not there, or is no folder, or cannot be read.
    """
    _require_folder(folder)
    if not folder.exists():
        raise HistoryError(
            f"{folder}: there is no history here; `hatrick history add RUN…` starts one, and "
            "--history DIR names another folder"
        )
    found: dict[str, Stored] = {}
    refused: list[str] = []
    try:
        files = sorted(folder.glob("*.jsonl"))
    except OSError as error:
        raise HistoryError(f"{folder}: cannot be read ({error.strerror})") from error
    for file in files:
        try:
            run = Stored(file, _environment(file))
        except RunFileError as error:
            refused.append(str(error))
            continue
        first = found.setdefault(run.environment.run_id, run)
        if first is not run:
            refused.append(f"{file}: is run {run.environment.run_id} again, as {first.path.name}")
    runs = sorted(found.values(), key=lambda run: (_moment(run.environment), run.path.name))
    return runs, refused


def chosen(
    runs: Sequence[Stored],
    *,
    commit: str | None = None,
    device: str | None = None,
    since: datetime | None = None,
) -> list[Stored]:
    """The runs of a commit (its first digits, or of a run without one those of its sources' digest,
    as `commit_of` has them), on a device (a part of its name), from a time on."""
    return [
        run
        for run in runs
        if (commit is None or _is_of(run.environment, commit))
        and (device is None or any(device.lower() in name.lower() for name in run.devices))
        and (since is None or _moment(run.environment) >= since.astimezone(UTC))
    ]


def _is_of(environment: Environment, commit: str) -> bool:
    digits = commit.lower().removeprefix("code ").strip().rstrip("+")
    return (environment.git_commit or environment.code).startswith(digits)


def _environment(file: Path) -> Environment:
    """What the first line of a run file says.

    Raises:
        RunFileError: it is no run file.
    """
    try:
        with file.open("rb") as lines:
            environment = Environment.model_validate_json(lines.readline())
        if environment.schema_version in READABLE_VERSIONS:
            return environment
    except (OSError, ValidationError):
        pass
    return read_run(file).environment  # which knows other forms, and says what is wrong with it


def _moment(environment: Environment) -> datetime:
    return environment.created_at.astimezone(UTC)


def _require_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise HistoryError(
            f"{folder}: is a file, and a history is a folder of run files; name one by "
            "--history DIR"
        )
    if folder.exists() and not os.access(folder, os.R_OK | os.X_OK):
        raise HistoryError(f"{folder}: cannot be read (permission denied)")


def _slug(text: str) -> str:
    """Text as a part of a file's name: small letters, digits and single hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:SLUG_CHARACTERS].strip("-")
