from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

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
