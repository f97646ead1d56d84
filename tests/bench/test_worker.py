from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc's malloc that learns")
def test_the_first_point_finds_the_allocator_as_the_last_one_does() -> None:
    """A settled allocator gives 8 MiB back out without a page fault for each of its 2,048 pages."""
    script = """
import resource, torch
from bench.worker import settle_allocator
settle_allocator()
torch.ones(2 << 20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.ones(2 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=plain
    )
    assert int(done.stdout) < 1000
