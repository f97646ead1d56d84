"""What is known of points that have no record yet, on the disk: `<run file>.visits`.

Points that take turns are done at about the same time. Their answers are kept as they come, so that
a sweep that is killed loses no more than the visit it was at.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

from pydantic import Field, ValidationError

from bench.course import Course
from bench.messages import Prepared, Visit
from reports.schema import Model, Point


class _Entry(Model):
    """One answer about one point."""

    key: str
    wall_s: float
    """Seconds spent on the point until then."""
    answer: Annotated[Prepared | Visit, Field(discriminator="type")]


class Journal:
    """Keeps answers until their points have records. Use it in a `with` block.

    Args:
        run: the run file.
        resume: take up what an earlier sweep has left; else it is dropped.
    """

    def __init__(self, run: Path, *, resume: bool) -> None:
        self._path = run.with_name(run.name + ".visits")
        self._left: dict[str, list[_Entry]] = {}
        whole = 0
        if resume and self._path.exists():
            self._left, whole = _read(self._path)
        self._file = self._path.open("ab")
        self._file.truncate(whole)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if kind is None:
            self._path.unlink()  # every point has its record

    def course(self, point: Point) -> Course:
        """A point as an earlier sweep has left it; a fresh one if it had not come to it."""
        course = Course(point)
        for entry in self._left.get(point.key, []):
            course.wall_s = entry.wall_s
            if isinstance(entry.answer, Prepared):
                course.prepared, course.visits = entry.answer, []
            else:
                course.visits.append(entry.answer)
        return course

    def prepared(self, course: Course) -> None:
        """Keep that a point is prepared."""
        assert course.prepared is not None
        entry = _Entry(key=course.point.key, wall_s=course.wall_s, answer=course.prepared)
        self._write(entry)

    def visited(self, course: Course) -> None:
        """Keep the last visit of a point."""
        entry = _Entry(key=course.point.key, wall_s=course.wall_s, answer=course.visits[-1])
        self._write(entry)

    def _write(self, entry: _Entry) -> None:
        self._file.write(entry.model_dump_json().encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def _read(path: Path) -> tuple[dict[str, list[_Entry]], int]:
    """All entries by key, up to the first that is not whole, and where in the file that begins."""
    entries: dict[str, list[_Entry]] = {}
    whole = 0
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            entry = _Entry.model_validate_json(line)
        except ValidationError:
            break
        if not line.endswith(b"\n"):
            break
        entries.setdefault(entry.key, []).append(entry)
        whole += len(line)
    return entries, whole
