"""What is known of points that have no record yet, on the disk: `<run file>.visits`.

Points that take turns are done at about the same time. Their answers are kept as they come, so that
a sweep that is killed loses no more than the visit it was at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Annotated, Self

from pydantic import Field, ValidationError

from bench.course import Course
from bench.messages import Prepared, Visit
from bench.spec import SpecError
from reports.figures import Model
from reports.runfile import key_on_any
from reports.runwriter import write_line
from reports.schema import Point, Record


class DiskError(SpecError):
    """The disk takes no more of a sweep."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"{path} cannot be written any further ({error.strerror}); what was measured before is "
            "kept: mend that and go on with --resume"
        )


class _Entry(Model):
    """One answer about one point."""

    key: str
    records: int
    """How many records the point had before: it is tried again after a crash."""
    wall_s: float
    """Seconds spent on the point until then."""
    answer: Annotated[Prepared | Visit, Field(discriminator="type")]


class Journal:
    """Keeps answers until their points have records. Use it in a `with` block. Several threads may
    write to it, of one process: that which has the run file's lock.

    Args:
        run: the run file.
        resume: take up what an earlier sweep has left; else it is dropped.
        records: what the run file holds. Answers that a record was made of are not taken up: the
            next try of a point that crashed or was throttled has nothing of the last one.

    Raises:
        SpecError: its file cannot be read or written.
    """

    def __init__(self, run: Path, *, resume: bool, records: Sequence[Record] = ()) -> None:
        self._path = run.with_name(run.name + ".visits")
        self._records = Counter(key_on_any(record.point) for record in records)
        self._left: dict[str, list[_Entry]] = {}
        self._lock = Lock()
        whole = 0
        try:
            if resume and self._path.exists():
                self._left, whole = _read(self._path)
            self._file = self._path.open("ab", buffering=0)
            self._file.truncate(whole)
        except OSError as error:
            raise SpecError(f"{self._path} cannot be written ({error.strerror})") from None

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
        course, records = Course(point), self._records[key_on_any(point)]
        for entry in self._left.get(point.key, []):
            if entry.records != records:
                continue
            course.wall_s = entry.wall_s
            if isinstance(entry.answer, Prepared):
                course.prepared, course.visits = entry.answer, []
            else:
                course.visits.append(entry.answer)
        return course

    def prepared(self, course: Course) -> None:
        """Keep that a point is prepared.

        Raises:
            DiskError: the disk takes no more.
        """
        assert course.prepared is not None
        self._write(course, course.prepared)

    def visited(self, course: Course) -> None:
        """Keep the last visit of a point.

        Raises:
            DiskError: the disk takes no more.
        """
        self._write(course, course.visits[-1])

    def _write(self, course: Course, answer: Prepared | Visit) -> None:
        point = course.point
        records = self._records[key_on_any(point)]
        entry = _Entry(key=point.key, records=records, wall_s=course.wall_s, answer=answer)
        try:
            with self._lock:
                write_line(self._file, entry.model_dump_json())
        except OSError as error:
            raise DiskError(self._path, error) from None


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
