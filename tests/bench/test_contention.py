from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench import contention
from bench.contention import Contender

linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's count is Linux's")


def spin(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@linux
def test_time_on_a_core_is_counted_and_sleep_is_not() -> None:
    asleep = Contender()
    time.sleep(0.05)
    assert asleep.since().run_ns < 40e6
    busy = Contender()
    spin(0.05)
    found = busy.since()
    # The kernel brings the count up to date at a tick, of 10 ms at most.
    assert 40e6 <= found.run_ns < 1e9
    assert found.wait_ns >= 0
    assert found.cores_s > 0
    assert 0 <= found.steal_s <= found.cores_s


@linux
def test_two_threads_that_want_one_core_wait_half_of_the_time() -> None:
    """Both are bound to one core, so they wait for each other however idle the others are."""
    import os

    cores = os.sched_getaffinity(0)
    finished = threading.Barrier(3)
    over = threading.Event()

    def work() -> None:
        os.sched_setaffinity(0, {min(cores)})
        os.sched_yield()
        end = time.monotonic() + 0.15
        while time.monotonic() < end:
            # Nothing that would let go of the interpreter's lock for long: no lock, no wait.
            hash_of_much(b"x" * 500_000)
        finished.wait()
        over.wait()  # a thread that has ended is in no count

    from hashlib import sha256 as hash_of_much  # releases the interpreter's lock

    workers = [threading.Thread(target=work) for _ in range(2)]
    before = Contender()
    for worker in workers:
        worker.start()
    finished.wait()
    found = before.since()
    over.set()
    for worker in workers:
        worker.join()
    assert found.wait_ns > 0.2 * found.run_ns


def test_a_thread_that_starts_meanwhile_counts_and_one_that_ends_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    readings = iter(
        [{"1": (100, 10), "2": (50, 5)}, {"1": (160, 11), "3": (7, 2)}],
    )
    monkeypatch.setattr(contention, "_tasks", lambda: next(readings))
    found = Contender().since()
    assert (found.run_ns, found.wait_ns) == (60 + 7, 1 + 2)


def test_steal_is_of_all_cores_and_guests_are_not_counted_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Times(SimpleNamespace):
        def __iter__(self) -> object:
            return iter(vars(self).values())

    readings = iter(
        [
            Times(user=10.0, idle=5.0, steal=1.0, guest=4.0, guest_nice=0.0),
            Times(user=12.0, idle=5.5, steal=1.5, guest=5.0, guest_nice=0.0),
        ]
    )
    monkeypatch.setattr(contention.psutil, "cpu_times", lambda: next(readings))
    found = Contender().since()
    assert found.steal_s == pytest.approx(0.5)
    assert found.cores_s == pytest.approx(3.0)


def test_a_kernel_that_keeps_no_count_gives_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contention, "Path", lambda _: Path("/nowhere"))
    found = Contender().since()
    assert (found.run_ns, found.wait_ns) == (0, 0)
