"""Writes the run file: every line is on the disk before the next, and a file has one writer."""

from __future__ import annotations

import os
from contextlib import suppress
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import TypeAdapter, ValidationError

from reports.race import Race
from reports.runfile import RunFileError, read_run
from reports.schema import Ceiling, Environment, Record

_LINE: TypeAdapter[Record | Ceiling | Race] = TypeAdapter(Record | Ceiling | Race)


class RunWriter:
    """Writes a run file; each record is on the disk when `write` returns.

    `RunWriter(path, environment)` makes a new file, `RunWriter.append(path)` goes on in an
    existing one. Use it in a `with` block. A file has one writer at a time.

    Raises:
        RunFileError: the file to make exists, or the file to append to is no run file, or another
            process writes it.
        OSError: the file cannot be made or written; one that was made is gone again.
    """

    def __init__(self, path: str | os.PathLike[str], environment: Environment) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._file = self.path.open("xb", buffering=0)
        except FileExistsError as error:
            raise RunFileError(
                f"{path} exists and is never overwritten; append to it or choose another name"
            ) from error
        try:
            _lock(self._file, self.path)
            write_line(self._file, environment.model_dump_json())
        except OSError:
            self._file.close()
            self.path.unlink()
            raise

    @classmethod
    def append(cls, path: str | os.PathLike[str]) -> Self:
        """Go on in an existing run; half a last line is moved to `<name>.damaged` first."""
        run = read_run(path)
        writer = cls.__new__(cls)
        writer.path = run.path
        writer._file = run.path.open("ab", buffering=0)
        try:
            _lock(writer._file, run.path)
            _mend_last_line(run.path)
        except (OSError, RunFileError):
            writer._file.close()
            raise
        return writer

    def write(self, record: Record | Ceiling | Race) -> None:
        """Add one record, race, or what a device can do at most, as one line.

        Raises:
            OSError: the disk does not take it; what was written before is whole.
        """
        write_line(self._file, record.model_dump_json())

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def write_line(file: FileIO, text: str) -> None:
    """Add a line to a file; it is on the disk when this returns.

    Raises:
        OSError: the disk does not take it, and the file ends where it did before.
    """
    start, line = file.seek(0, os.SEEK_END), memoryview(text.encode() + b"\n")
    try:
        while line:
            line = line[file.write(line) :]
        os.fsync(file.fileno())
    except OSError:
        # Half a line would spoil whatever came after it.
        with suppress(OSError):
            file.truncate(start)
        raise


def _lock(file: FileIO, path: Path) -> None:
    """Keep other processes from writing a file until it is closed, or this process is gone.

    Raises:
        RunFileError: another one writes it.
    """
    import fcntl  # not on Windows, where run files are read all the same

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RunFileError(
            f"{path} is being written by another sweep; wait for its end, or choose another --out"
        ) from None
    except OSError:
        pass  # a file system without locks, as Lustre is often mounted


def _mend_last_line(path: Path) -> None:
    """Make the file end after a whole line, keeping what is cut off beside it."""
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    tail = content[end:]
    if not tail:
        return
    try:
        if end:
            _LINE.validate_json(tail)
    except ValidationError:
        with path.with_name(path.name + ".damaged").open("ab") as aside:
            aside.write(tail + b"\n")
            os.fsync(aside.fileno())
        os.truncate(path, end)
    else:
        with path.open("ab") as file:
            file.write(b"\n")
