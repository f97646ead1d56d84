"""The parent's side of a worker: starts it, waits with a watchdog, survives whatever it does."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self
from uuid import uuid4

import psutil
from pydantic import ValidationError

from bench.environment import worker_environment
from bench.messages import Answer, Do, Envelope, Failure, Job
from bench.probes.nvml import COOLING_S
from bench.worker import MEMORY_VARIABLE
from reports.schema import Point, Status

START_TIMEOUT_S = 120.0
"""To import torch and the plug-ins; none of a point's own time."""
EXIT_GRACE_S = 5.0
"""For a worker that has closed its answers to end by itself, so that its exit code is its own."""
LOG_TAIL = 600
"""Bytes of what a dead worker printed that its record quotes."""
MEMORY_SHARE = 0.9
"""Of the memory that is available on a CPU when a worker starts, what it may take."""
MARK = "HATRICK_WORKER"
"""Environment variable by which all that a worker has started is found, wherever it went."""
LONGEST_ANSWER = 1 << 20
"""Bytes; what is longer and has no end of a line is no answer."""
SIGNALS = {int(known): known.name for known in signal.Signals}


class _WorkerEnded(Exception):
    """The worker closed its answers."""


class _NoAnswer(Exception):
    """Something else than an answer came where answers come."""


class Supervisor:
    """Has points measured in a worker process, and a new one after each that was lost.

    Use it in a `with` block; no worker, and nothing that one has started, outlives it.

    Args:
        plugins: Python files that the worker loads.
        seconds: most sampling time of a point.
        timeout: seconds after which an answer is waited for no longer, and the worker killed.
        allocator, wait_policy: what `bench.environment.worker_environment` makes of them.
        memory_bytes: what a worker on a CPU may take; None: most of what is available.
        path: folders that its imports look in before they look here.
        count: count what a call does when a point is prepared.
        bound: keep its threads on the cores where they are.
        workspace_bytes: the most that a point takes which the worker will not be asked to prepare.
    """

    def __init__(
        self,
        plugins: Sequence[str],
        *,
        seconds: float,
        timeout: float,
        allocator: str = "kept",
        wait_policy: str = "passive",
        memory_bytes: int | None = None,
        path: Sequence[Path] = (),
        count: bool = False,
        bound: bool = False,
        workspace_bytes: int = 0,
    ) -> None:
        self._command = [sys.executable, "-u", "-P", "-m", "bench.worker", *plugins]
        self._seconds = seconds
        self._timeout = timeout
        self._mark = uuid4().hex
        self._variables = worker_environment(allocator, wait_policy, bound=bound)
        self._variables[MARK] = self._mark
        self._memory_bytes = memory_bytes
        self._path = tuple(path)
        self._count = count
        self._workspace_bytes = workspace_bytes
        self._log = tempfile.TemporaryFile("a+b")  # noqa: SIM115 - closed in __exit__
        # Python's "a" is a seek; the worker must append to the file as it then is.
        flags = fcntl.fcntl(self._log, fcntl.F_GETFL)
        fcntl.fcntl(self._log, fcntl.F_SETFL, flags | os.O_APPEND)
        self._process: subprocess.Popen[bytes] | None = None
        self._unread = b""
        self._jobs = 0
        self.starting_s = 0.0
        """Of the last question's time, what the start of a worker took: none of the point's own."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()
        self._log.close()

    def start(self, point: Point) -> None:
        """Start the worker now, and not with the first question. Where it does not start, the first
        question is answered so.

        Args:
            point: one that it will be asked about.
        """
        try:
            self._start(point)
        except (TimeoutError, _WorkerEnded):
            self.end()

    def ask(self, do: Do, point: Point) -> Answer:
        """Have something done with a point; a worker that crashes or hangs is an answer too."""
        self._log.truncate(0)
        kills_before = _kernel_kills()
        try:
            start = monotonic()
            worker = self._process or self._start(point)
            self.starting_s = monotonic() - start
            job = Job(
                do=do,
                point=point,
                seconds=self._seconds,
                count=self._count,
                workspace_bytes=self._workspace_bytes,
            )
            answer = self._exchange(worker, job)
        except TimeoutError:
            started = self._process is not None and self._jobs > 0
            self.end()
            limit, what = (
                (self._timeout, "give an answer") if started else (START_TIMEOUT_S, "start")
            )
            return Failure(status=Status.TIMEOUT, reason=f"did not {what} within {limit:g} s")
        except (_WorkerEnded, BrokenPipeError):
            return self._obituary(kills_before)
        except _NoAnswer as error:
            self.end()
            reason = f"something wrote to the pipe that is the worker's for its answers: {error}"
            return Failure(status=Status.CRASHED, reason=reason)
        if isinstance(answer, Failure) and answer.restart:
            self.end()
        return answer

    def end(self, grace_s: float = 0.0) -> int:
        """End the worker and all it started; its exit code, negative for a signal. The next
        question starts a new one."""
        process, self._process = self._process, None
        if process is None:
            return 0
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        _kill_marked(self._mark)
        for pipe in (process.stdin, process.stdout):
            with suppress(BrokenPipeError):  # a job that the worker never read
                pipe.close()  # type: ignore[union-attr]
        return code

    def _start(self, point: Point) -> subprocess.Popen[bytes]:
        limit = {}
        if point.device == "cpu":
            available = int(MEMORY_SHARE * psutil.virtual_memory().available)
            limit = {MEMORY_VARIABLE: str(self._memory_bytes or available)}
        self._unread, self._jobs = b"", 0
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=self._variables | limit | {"PYTHONPATH": worker_path(self._path)},
            # A group of its own: a terminal's Ctrl-C goes to the sweep alone, and a kill reaches
            # what the worker has started.
            start_new_session=True,
        )
        self._receive(self._process, START_TIMEOUT_S)
        return self._process

    def _exchange(self, worker: subprocess.Popen[bytes], job: Job) -> Answer:
        assert worker.stdin is not None
        worker.stdin.write(job.model_dump_json().encode() + b"\n")
        worker.stdin.flush()
        self._jobs += 1
        # A visit may wait for a device that is held back, which is no fault of the point's.
        cooling = COOLING_S if job.do == "visit" and job.point.device != "cpu" else 0.0
        end = monotonic() + self._timeout + cooling
        while True:
            line = self._receive(worker, end - monotonic())
            try:
                envelope = Envelope.model_validate_json(line)
            except ValidationError:
                raise _NoAnswer(repr(line[:40])) from None
            if envelope.job == self._jobs - 1:
                return envelope.answer

    def _receive(self, worker: subprocess.Popen[bytes], timeout: float) -> bytes:
        """The next line of the worker.

        Raises:
            TimeoutError: it did not come in time.
            _WorkerEnded: it will not come.
            _NoAnswer: it has no end.
        """
        assert worker.stdout is not None
        end = monotonic() + timeout
        while b"\n" not in self._unread:
            if not select.select([worker.stdout], [], [], max(0.0, end - monotonic()))[0]:
                raise TimeoutError
            if not (data := os.read(worker.stdout.fileno(), 65536)):
                raise _WorkerEnded
            self._unread += data
            if len(self._unread) > LONGEST_ANSWER:
                raise _NoAnswer(repr(self._unread[:40]))
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _obituary(self, kills_before: int) -> Failure:
        """What a worker that is gone died of, with the end of what it printed."""
        code = self.end(grace_s=EXIT_GRACE_S)
        if code == -signal.SIGKILL and _kernel_kills() > kills_before:
            reason = "the kernel killed the worker: out of memory"
            return Failure(status=Status.OUT_OF_MEMORY, reason=reason)
        how = f"was killed by {SIGNALS.get(-code, code)}" if code < 0 else f"exited with {code}"
        printed = self._tail()
        reason = f"the worker {how}" + (f"; it printed: {printed}" if printed else "")
        no_memory = code == -signal.SIGABRT and "bad_alloc" in printed
        return Failure(status=Status.OUT_OF_MEMORY if no_memory else Status.CRASHED, reason=reason)

    def _tail(self) -> str:
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - LOG_TAIL))
        text = self._log.read().decode("utf-8", errors="replace")
        return " ".join(text.split())


def worker_path(path: Sequence[Path]) -> str:
    """PYTHONPATH of a process that must find these folders, and then this very package, before
    anything else; what is installed comes after them, in editable mode too."""
    root = Path(__file__).resolve().parents[1]
    return os.pathsep.join(filter(None, [*map(str, (*path, root)), os.environ.get("PYTHONPATH")]))


def _kill_marked(mark: str) -> None:
    """Kill what carries a mark in its environment: a child that has left its process group, and
    perhaps lost its parent, is found by it."""
    for process in psutil.process_iter(["environ"]):
        if (process.info["environ"] or {}).get(MARK) == mark:
            with suppress(psutil.Error):
                process.kill()


def _kernel_kills() -> int:
    """How many processes this kernel has killed for want of memory; 0 where it does not say."""
    try:
        lines = Path("/proc/vmstat").read_text("ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
