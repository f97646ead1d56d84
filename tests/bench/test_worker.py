from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.environment import worker_environment
from bench.supervisor import Supervisor
from reports.schema import Record, Status

Measure = Callable[..., Record]
Gone = Callable[[int], bool]


def test_megabytes_of_output_do_not_disturb_the_answer(measure: Measure) -> None:
    record = measure("babbles")
    assert (record.status, record.reason) == (Status.OK, "")


def test_the_worker_is_the_first_to_go_when_memory_runs_out(
    measure: Measure, supervisor: Supervisor
) -> None:
    measure("sound")
    assert supervisor._process is not None
    score = Path(f"/proc/{supervisor._process.pid}/oom_score_adj").read_text()
    assert int(score) == 1000


PARENT = """
import sys, time
import pytest

from bench.environment import worker_environment
from bench.supervisor import Supervisor
supervisor = Supervisor([], seconds=0.1, timeout=60)
print(supervisor._start().pid, flush=True)
time.sleep(600)
"""


def test_it_does_not_outlive_a_parent_that_was_killed(gone: Gone) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    assert Path(f"/proc/{worker}").exists()
    parent.kill()
    parent.communicate()
    assert gone(worker)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc's malloc that is told")
def test_memory_that_was_freed_comes_back_without_page_faults() -> None:
    """64 MiB are 16,384 pages, and never kept by default."""
    script = """
import resource, torch
from bench.worker import fill_heap
fill_heap()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    torch.ones(16 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=worker_environment(),
    )
    assert int(done.stdout) < 1000
