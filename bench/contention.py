"""Who else wanted the processor while samples were taken."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Contention:
    """What happened between two readings of `Contender`."""

    run_ns: int
    """Time this process's threads had a core."""
    wait_ns: int
    """Time they could have run and had none."""
    steal_s: float
    """Seconds of all cores together that the hypervisor gave to others."""
    cores_s: float
    """Seconds of all cores together, idle ones included."""


class Contender:
    """Reads what the kernel keeps count of anyway; the difference of two readings says how busy the
    machine was between them.

    Linux only (`/proc/PID/task/TID/schedstat`, whose first two numbers are the nanoseconds on a
    core and on the run queue: kernel documentation, scheduler/sched-stats); zeros elsewhere.
    """

    def __init__(self) -> None:
        self._tasks = _tasks()
        self._cores = psutil.cpu_times()

    def since(self) -> Contention:
        """What happened since this object was made. A thread that ended meanwhile is not in it."""
        before, now = self._tasks, _tasks()
        run = sum(r - before.get(task, (0, 0))[0] for task, (r, _) in now.items())
        wait = sum(w - before.get(task, (0, 0))[1] for task, (_, w) in now.items())
        cores = psutil.cpu_times()
        return Contention(
            run_ns=run,
            wait_ns=wait,
            steal_s=max(0.0, getattr(cores, "steal", 0.0) - getattr(self._cores, "steal", 0.0)),
            cores_s=max(0.0, _total(cores) - _total(self._cores)),
        )


def _tasks() -> dict[str, tuple[int, int]]:
    """Nanoseconds on a core and waiting for one, for each thread of this process."""
    found = {}
    for file in Path("/proc/self/task").glob("*/schedstat"):
        try:
            run, wait, _ = file.read_text("ascii").split()
        except (OSError, ValueError):
            continue  # a thread that has just ended, or a kernel that keeps no count
        found[file.parent.name] = (int(run), int(wait))
    return found


def _total(times: psutil._common.scputimes) -> float:
    # guest time is part of user time, and would be counted twice.
    return float(sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0))
