"""Reads run files: JSON lines in UTF-8, the environment first, then one record, ceiling or race a
line.

A run may be cut at any byte (a power cut, a full disk, Ctrl-C): every whole line still counts,
and what does not is reported in words.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from reports.race import Race
from reports.schema import (
    READABLE_VERSIONS,
    SCHEMA_VERSION,
    Ceiling,
    Environment,
    Point,
    Record,
)

EXPECTED = "a run file is JSON lines, the environment first, as `hatrick sweep` writes it"


class RunFileError(ValueError):
    """A file that cannot be read, or written, as a run."""


@dataclass(frozen=True)
class Run:
    """What one run file holds."""

    path: Path
    environment: Environment
    records: list[Record]
    """In the order written; a point that was tried again is in it more than once."""
    damaged: list[str] = field(default_factory=list)
    """A sentence for every line that could not be read; empty for a whole file."""
    ceilings: list[Ceiling] = field(default_factory=list)
    """What its devices could do at most, measured before its points and after them."""
    races: list[Race] = field(default_factory=list)
    """Of `hatrick tune`, in the order written."""

    @property
    def latest(self) -> list[Record]:
        """One record a point: where a point was tried again, on whichever device, the last try."""
        return list({key_on_any(record.point): record for record in self.records}.values())


def key_on_any(point: Point) -> str:
    """The key of a point without its device's index: devices of one model are alike, and a point
    that one has tried may be tried again on another."""
    kind, _, _ = point.device.partition(":")
    return point.model_copy(update={"device": kind}).key


def read_run(path: str | os.PathLike[str]) -> Run:
    """Read a run file, or what pytest-benchmark saved of the fixture `attention_benchmark`.

    Raises:
        RunFileError: there is no such file, it is empty, its first line is no environment, it was
            written by an older or a newer version, or two runs were joined in it. A damaged line
            further down is no error: see `Run.damaged`.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunFileError(f"{path}: cannot be read ({error.strerror}); {EXPECTED}") from error
    if not content:
        raise RunFileError(f"{path}: the file is empty; {EXPECTED}")
    first, *rest = content.split(b"\n")
    if not _kind(first):
        from reports.formats import pytest_benchmark  # it needs `Run`

        if document := pytest_benchmark.parse(content):
            return pytest_benchmark.read(path, document)
    environment = _environment(path, first)
    records: list[Record] = []
    ceilings: list[Ceiling] = []
    races: list[Race] = []
    damaged: list[str] = []
    for number, line in enumerate(rest, start=2):
        if not line.strip():
            continue
        try:
            if line.startswith(b'{"type":"ceiling"'):
                ceilings.append(Ceiling.model_validate_json(line))
            elif line.startswith(b'{"type":"race"'):
                races.append(Race.model_validate_json(line))
            else:
                records.append(Record.model_validate_json(line))
        except ValidationError as error:
            if _kind(line) == "environment":
                raise RunFileError(
                    f"{path}: line {number} is a second environment, so two runs were joined in "
                    "this file; split it before that line and give both files"
                ) from error
            is_cut = number == 1 + len(rest)
            damaged.append(
                f"{path.name}, line {number}: "
                + (f"cut off after {len(line)} bytes" if is_cut else reason(error))
            )
    return Run(path, environment, records, damaged, ceilings, races)


def read_runs(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[Run]:
    """Read one run file, several, or all `*.jsonl` of a folder, each file once.

    Raises:
        RunFileError: as `read_run`, or a folder without a run file.
    """
    return [read_run(file) for file in _files(paths)]


def read_readable(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> tuple[list[Run], list[str]]:
    """As `read_runs`, but a file that cannot be read does not take the others down with it.

    Returns:
        The runs, and a sentence for every file that is none.

    Raises:
        RunFileError: none of them can be read, or a folder without a run file.
    """
    runs: list[Run] = []
    refused: list[RunFileError] = []
    for file in _files(paths):
        try:
            runs.append(read_run(file))
        except RunFileError as error:
            refused.append(error)
    if not runs:
        raise refused[0]
    return runs, list(map(str, refused))


def _files(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[Path]:
    """The files that are named, and those of folders that are, each once."""
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    files: dict[Path, Path] = {}
    for path in map(Path, given):
        found = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
        if not found:
            raise RunFileError(f"{path}: this folder holds no run file (*.jsonl)")
        files.update({file.resolve(): file for file in found})
    return list(files.values())


def _environment(path: Path, line: bytes) -> Environment:
    """The first line as an environment, or an error that says what was found instead."""
    if not line.strip():
        raise RunFileError(f"{path}: its first line is empty; {EXPECTED}")
    kind = _kind(line)
    if kind is None:
        raise RunFileError(
            f"{path}: its first line is no JSON object ({line[:40].decode(errors='replace')!r}…); "
            f"{EXPECTED}"
        )
    if kind != "environment":
        raise RunFileError(f"{path}: its first line is a {kind or 'JSON object'}; {EXPECTED}")
    check_version(path, json.loads(line).get("schema_version"))
    try:
        return Environment.model_validate_json(line)
    except ValidationError as error:
        raise RunFileError(f"{path}: line 1: {reason(error)}; {EXPECTED}") from error


def check_version(path: Path, version: object) -> None:
    """Whether a file's schema is read.

    Raises:
        RunFileError: an older or a newer version wrote it.
    """
    if isinstance(version, int) and version < READABLE_VERSIONS[0]:
        raise RunFileError(
            f"{path}: written in schema {version} by an older version; this one reads schema "
            f"{SCHEMA_VERSION}: measure again"
        )
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise RunFileError(
            f"{path}: written in schema {version} by a newer version; this one reads schema "
            f"{SCHEMA_VERSION}: update hatrick-bench"
        )


def _kind(line: bytes) -> str | None:
    """The `type` of a line, empty where it has none; None if it is no JSON object."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):  # the latter: brackets nested without end
        return None
    return str(value.get("type", "")) if isinstance(value, dict) else None


def reason(error: ValidationError) -> str:
    """What is wrong with a line: the first complaint, with where it is."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])
