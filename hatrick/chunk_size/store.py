"""Where profiles and calibrations are kept: a small JSON file each, safe against two writers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar
from uuid import uuid4

import platformdirs
from pydantic import ValidationError
from pydantic_core import from_json

from hatrick.chunk_size.calibration import Calibration
from hatrick.chunk_size.profile import SCHEMA_VERSION, Profile

SHIPPED = Path(__file__).parents[1] / "profiles"
"""Profiles that come with the package."""
SLUG_CHARACTERS = 40
MOST_MISTAKES = 3
"""Mistakes of a file that a sentence tells."""

Kept = TypeVar("Kept", Profile, Calibration)


class ProfileError(ValueError):
    """A profile or calibration that cannot be read, or that has no place where it should go."""


@dataclass(frozen=True)
class Stored(Generic[Kept]):
    """A profile or calibration, and its file."""

    content: Kept
    path: Path
    shipped: bool = False
    """It comes with the package, and is not the user's own."""


@dataclass(frozen=True)
class Found(Generic[Kept]):
    """All that there are, and a sentence for every file that cannot be read."""

    stored: list[Stored[Kept]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def folder() -> Path:
    """The user's own folder of profiles and, within it, of calibrations; it may not be there."""
    return platformdirs.user_config_path("hatrick-bench") / "profiles"


def save(profile: Profile, path: Path | None = None) -> Path:
    """Keep a profile; lengths that are in the file already stay, unless they were tuned anew.

    Args:
        path: its file; None: one of its own in the user's folder. A file of the same setting and
            constraints, but made with other software, is replaced. What cannot be read in the
            user's folder is moved aside, to `<name>.damaged`.

    Returns:
        The file.

    Raises:
        ProfileError: `path` is there and is no profile, or is one of another setting.
        OSError: it cannot be written, and is as it was.
    """
    place = path or folder() / file_name(profile)
    place.parent.mkdir(parents=True, exist_ok=True)
    with _locked(place):
        if place.exists():
            try:
                profile = _merged(load(place), profile, place)
            except ProfileError:
                if path is not None:
                    raise
                # Whoever measured for minutes must not lose it to a file that is worth nothing.
                place.replace(place.with_name(place.name + ".damaged"))
        _write(place, profile)
    return place


def save_calibration(calibration: Calibration) -> Path:
    """Keep a calibration in the user's folder, in place of an older one of its key; its file.

    Raises:
        OSError: it cannot be written.
    """
    path = folder() / "calibrations" / file_name(calibration)
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, calibration)
    return path


def load(path: Path) -> Profile:
    """The profile in a file.

    Raises:
        ProfileError: it cannot be read, is cut, of another schema, or holds what no profile may.
    """
    return _load(path, Profile)


def profiles() -> Found[Profile]:
    """The user's own profiles and those that come with the package, each once, the user's first."""
    own, shipped = _all(folder(), Profile), _all(SHIPPED, Profile, shipped=True)
    there = {each.content.key for each in own.stored}
    more = [each for each in shipped.stored if each.content.key not in there]
    return Found(own.stored + more, own.refused + shipped.refused)


def calibrations() -> Found[Calibration]:
    """The user's calibrations."""
    return _all(folder() / "calibrations", Calibration)


def _all(place: Path, model: type[Kept], *, shipped: bool = False) -> Found[Kept]:
    """What a folder holds; one that is not there holds nothing."""
    found: Found[Kept] = Found()
    try:
        files = sorted(path for path in place.iterdir() if path.suffix == ".json")
    except FileNotFoundError:
        return found
    except OSError as error:
        found.refused.append(f"{place}: cannot be read ({error.strerror or error})")
        return found
    for path in files:
        try:
            found.stored.append(Stored(_load(path, model), path, shipped))
        except ProfileError as error:
            found.refused.append(str(error))
    return found


def _load(path: Path, model: type[Kept]) -> Kept:
    what = model.__name__.lower()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read ({error.strerror or error})") from None
    try:
        values = from_json(content)
    except ValueError as error:
        raise ProfileError(f"{path}: is cut, or is no JSON ({error})") from None
    if not isinstance(values, dict) or "schema_version" not in values:
        raise ProfileError(f"{path}: is no {what} of hatrick-bench: it has no schema_version")
    if values["schema_version"] is True or values["schema_version"] != SCHEMA_VERSION:
        raise ProfileError(
            f"{path}: is written in schema {values['schema_version']!r}, and this version reads "
            f"{SCHEMA_VERSION}; update hatrick-bench, or run `hatrick tune` again"
        )
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ProfileError(f"{path}: is no valid {what}: {_mistakes(error)}") from None


def _mistakes(error: ValidationError) -> str:
    """What is wrong with a file, by the names of its fields."""
    problems = error.errors(include_url=False)
    lines = []
    for problem in problems[:MOST_MISTAKES]:
        where = ".".join(str(part) for part in problem["loc"])
        # A whole object is no help to whoever reads the sentence.
        given = (
            ""
            if isinstance(problem["input"], dict | list)
            else f", got {problem['input']!r:.{SLUG_CHARACTERS}}"
        )
        lines.append(f"{where}: {problem['msg']}{given}" if where else problem["msg"])
    more = len(problems) - MOST_MISTAKES
    return "; ".join(lines) + (f"; and {more} more" if more > 0 else "")


def _merged(old: Profile, new: Profile, path: Path) -> Profile:
    if old.key == new.key:
        return old.joined(new)
    if (old.setting, old.constraints) == (new.setting, new.constraints):
        return new  # what another torch or other code measured says nothing of this one
    ours, theirs = new.setting.model_dump(), old.setting.model_dump()
    different = [name for name in ours if ours[name] != theirs[name]] or ["constraints"]
    raise ProfileError(
        f"{path}: holds a profile of another setting ({', '.join(different)} differ); a file holds "
        "one, so name another"
    )


def _write(path: Path, content: Profile | Calibration) -> None:
    """Renamed into place: whoever reads meanwhile sees the old file or the new one."""
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(content.model_dump_json(indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other processes from changing a file meanwhile; they wait.

    The lock is on a file beside it, which is gone afterwards: the file itself is replaced.
    """
    import fcntl  # not on Windows, where profiles are read all the same

    lock = path.with_name(f".{path.name}.lock")
    while True:
        with lock.open("ab") as file:
            with suppress(OSError):  # a file system without locks, as Lustre is often mounted
                fcntl.flock(file, fcntl.LOCK_EX)
            # Whoever held it before has removed it: a lock on what is gone keeps nobody out.
            if not _is_at(file.fileno(), lock):
                continue
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)
            return


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samefile(descriptor, path)
    except FileNotFoundError:
        return False


def file_name(content: Profile | Calibration) -> str:
    """Of a profile or calibration: readable, and of its key alone."""
    of = content.setting if isinstance(content, Profile) else content
    slug = re.sub(r"[^a-z0-9]+", "-", f"{of.variant} {of.device_name}".lower())
    return f"{slug[:SLUG_CHARACTERS].strip('-')}-{content.key}.json"
