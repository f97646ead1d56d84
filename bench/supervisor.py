"""The parent's side of the worker: starts it, waits with a watchdog, survives whatever it does."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from bench.environment import worker_environment
from reports.schema import Point, Record, Status

START_TIMEOUT_S = 120.0
"""To import torch and the plug-ins; none of a point's own time."""
EXIT_GRACE_S = 5.0
"""For a worker that has closed its answers to end by itself, so that its exit code is its own."""
LOG_TAIL = 600
"""Bytes of what a dead worker printed that its record quotes."""
SIGNALS = {int(known): known.name for known in signal.Signals}


class _WorkerEnded(Exception):
    """The worker closed its answers."""


class Supervisor:
    """Has points measured in a worker process, and a new one after each that was lost.

    Use it in a `with` block; no worker outlives it.

    Args:
        plugins: Python files that the worker loads.
        seconds: sampling time of a point.
        timeout: seconds after which a point is given up and its worker killed.
    """

    def __init__(self, plugins: Sequence[str], *, seconds: float, timeout: float) -> None:
        self._command = [sys.executable, "-u", "-P", "-m", "bench.worker"]
        self._command += plugins
        self._seconds = seconds
        self._timeout = timeout
        self._log = tempfile.TemporaryFile("a+b")  # noqa: SIM115 - closed in __exit__
        # Python's "a" is a seek; the worker must append to the file as it then is.
        flags = fcntl.fcntl(self._log, fcntl.F_GETFL)
        fcntl.fcntl(self._log, fcntl.F_SETFL, flags | os.O_APPEND)
        self._process: subprocess.Popen[bytes] | None = None
        self._unread = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()
        self._log.close()

    def measure(self, point: Point) -> Record:
        """Measure a point; a worker that crashes or hangs makes a record too."""
        self._log.truncate(0)
        kills_before = _kernel_kills()
        started_at, start = datetime.now(UTC), monotonic()
        try:
            worker = self._process or self._start()
            start = monotonic()
            self._send(worker, point)
            record = Record.model_validate_json(self._receive(worker, self._timeout))
        except TimeoutError as error:
            self._end()
            status, reason = Status.TIMEOUT, str(error)
        except (_WorkerEnded, BrokenPipeError):
            status, reason = self._obituary(kills_before)
        else:
            # After a failure a CUDA context may be unusable, or keep what it had allocated.
            if record.latency is None and point.device != "cpu":
                self._end()
            return record
        return Record(
            key=point.key,
            point=point,
            status=status,
            reason=reason,
            started_at=started_at,
            wall_s=monotonic() - start,
        )

    def _start(self) -> subprocess.Popen[bytes]:
        # The worker must find this very package, and nothing in the current folder instead of it.
        root = str(Path(__file__).resolve().parents[1])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        self._unread = b""
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=worker_environment() | {"PYTHONPATH": path},
            # A group of its own: a terminal's Ctrl-C goes to the sweep alone, and a kill reaches
            # what the worker has started.
            start_new_session=True,
        )
        self._receive(self._process, START_TIMEOUT_S)
        return self._process

    def _send(self, worker: subprocess.Popen[bytes], point: Point) -> None:
        assert worker.stdin is not None
        job = {"point": point.model_dump(mode="json"), "seconds": self._seconds}
        worker.stdin.write(json.dumps(job).encode() + b"\n")
        worker.stdin.flush()

    def _receive(self, worker: subprocess.Popen[bytes], timeout: float) -> bytes:
        """The next line of the worker.

        Raises:
            TimeoutError: it did not come in time.
            _WorkerEnded: it will not come.
        """
        assert worker.stdout is not None
        end = monotonic() + timeout
        while b"\n" not in self._unread:
            if not select.select([worker.stdout], [], [], max(0.0, end - monotonic()))[0]:
                raise TimeoutError(f"gave no answer within {timeout:g} s")
            if not (data := os.read(worker.stdout.fileno(), 65536)):
                raise _WorkerEnded
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _obituary(self, kills_before: int) -> tuple[Status, str]:
        """What a worker that is gone died of, with the end of what it printed."""
        code = self._end(grace_s=EXIT_GRACE_S)
        if code == -signal.SIGKILL and _kernel_kills() > kills_before:
            return Status.OUT_OF_MEMORY, "the kernel killed the worker: out of memory"
        how = f"was killed by {SIGNALS.get(-code, code)}" if code < 0 else f"exited with {code}"
        printed = self._tail()
        return Status.CRASHED, f"the worker {how}" + (f"; it printed: {printed}" if printed else "")

    def _tail(self) -> str:
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - LOG_TAIL))
        text = self._log.read().decode("utf-8", errors="replace")
        return " ".join(text.split())

    def _end(self, grace_s: float = 0.0) -> int:
        """End the worker and all it started; its exit code, negative for a signal."""
        process, self._process = self._process, None
        if process is None:
            return 0
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(BrokenPipeError):  # a job that the worker never read
                pipe.close()  # type: ignore[union-attr]
        return code


def _kernel_kills() -> int:
    """How many processes this kernel has killed for want of memory; 0 where it does not say."""
    try:
        lines = Path("/proc/vmstat").read_text("ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
