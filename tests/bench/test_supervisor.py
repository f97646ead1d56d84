"""The worker, seen from its parent: whatever it does, a record comes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench import supervisor as module
from bench.environment import threads
from bench.supervisor import Supervisor
from reports.schema import Point, Record, Status

MakePoint = Callable[..., Point]
Measure = Callable[..., Record]


@pytest.fixture(scope="module")
def supervisor(misbehaving: Path) -> Iterator[Supervisor]:
    with Supervisor([str(misbehaving)], seconds=0.001, timeout=60) as supervisor:
        yield supervisor


@pytest.fixture
def measure(supervisor: Supervisor, make_point: MakePoint) -> Measure:
    def measure(variant: str) -> Record:
        return supervisor.measure(make_point(variant=variant, backend_used="own", chunk_size=8))

    return measure


def is_running(pid: int) -> bool:
    """Whether a process runs: one that has ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def gone(pid: int) -> bool:
    """Whether a process ends within five seconds."""
    for _ in range(100):
        if not is_running(pid):
            return True
        time.sleep(0.05)
    return False


def test_a_sound_variant(measure: Measure) -> None:
    record = measure("sound")
    assert (record.status, record.reason) == (Status.OK, "")


@pytest.mark.parametrize(
    ("variant", "status", "reason"),
    [
        ("raises", Status.CRASHED, "RuntimeError: no luck today"),
        ("devours", Status.OUT_OF_MEMORY, "memory"),
        ("breaks", Status.DISAGREES, "not finite"),
        ("shortens", Status.CRASHED, "RuntimeError"),
    ],
)
def test_a_failure_that_the_worker_survives(
    measure: Measure, supervisor: Supervisor, variant: str, status: Status, reason: str
) -> None:
    measure("sound")
    before = supervisor._process
    record = measure(variant)
    assert record.status is status
    assert reason in record.reason
    assert supervisor._process is before


def test_megabytes_of_output_do_not_disturb_the_answer(measure: Measure) -> None:
    record = measure("babbles")
    assert (record.status, record.reason) == (Status.OK, "")


def test_a_segmentation_fault_is_a_record_and_the_next_point_goes_on(measure: Measure) -> None:
    record = measure("segfaults")
    assert record.status is Status.CRASHED
    assert "SIGSEGV" in record.reason
    assert measure("sound").status is Status.OK


def test_an_exit_is_a_record_with_the_last_words(measure: Measure) -> None:
    record = measure("exits")
    assert record.status is Status.CRASHED
    assert "exited with 3" in record.reason
    assert "last words" in record.reason


def test_what_hangs_is_given_up_with_all_it_started(
    misbehaving: Path, make_point: MakePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = make_point(variant="hangs", backend_used="own", chunk_size=8)
    with Supervisor([str(misbehaving)], seconds=0.001, timeout=3) as supervisor:
        record = supervisor.measure(point)
    assert record.status is Status.TIMEOUT
    assert record.reason == "gave no answer within 3 s"
    assert 3 <= record.wall_s < 10
    assert gone(int(misbehaving.with_name("child").read_text()))


def test_a_kill_by_the_kernel_is_out_of_memory(
    supervisor: Supervisor, make_point: MakePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = iter([4, 5])
    monkeypatch.setattr(module, "_kernel_kills", lambda: next(kills))

    def kill(worker: subprocess.Popen[bytes], timeout: float) -> bytes:
        os.kill(worker.pid, signal.SIGKILL)
        raise module._WorkerEnded

    monkeypatch.setattr(supervisor, "_receive", kill)
    monkeypatch.setattr(supervisor, "_send", lambda *_: None)
    supervisor._process = supervisor._process or subprocess.Popen(
        [sys.executable, "-c", "input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    record = supervisor.measure(make_point())
    assert record.status is Status.OUT_OF_MEMORY
    assert "kernel" in record.reason


def test_the_worker_is_the_first_to_go_and_goes_with_its_parent(
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


def test_no_worker_outlives_a_parent_that_was_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    assert is_running(worker)
    parent.kill()
    parent.communicate()
    assert gone(worker)


def test_no_worker_outlives_its_supervisor(make_point: MakePoint) -> None:
    with Supervisor([], seconds=0.001, timeout=60) as supervisor:
        assert supervisor.measure(make_point()).status is Status.OK
        assert supervisor._process is not None
        worker = supervisor._process.pid
    assert gone(worker)


def test_threads_follow_omp_num_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert threads() == 1
