from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import supervisor as module
from bench.supervisor import Supervisor
from reports.schema import Point, Record, Status

MakePoint = Callable[..., Point]
Measure = Callable[..., Record]
Gone = Callable[[int], bool]


def test_a_sound_variant(measure: Measure) -> None:
    record = measure("sound")
    assert (record.status, record.reason) == (Status.OK, "")


@pytest.mark.parametrize(
    ("variant", "status", "reason"),
    [
        ("raises", Status.CRASHED, "RuntimeError: no luck today"),
        ("devours", Status.OUT_OF_MEMORY, "memory"),
        ("breaks", Status.DISAGREES, "not finite"),
        ("shortens", Status.DISAGREES, "shortens must return a tensor of shape (2, 2, 24, 8)"),
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
    misbehaving: Path, make_point: MakePoint, gone: Gone
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


def test_no_worker_outlives_its_supervisor(make_point: MakePoint, gone: Gone) -> None:
    with Supervisor([], seconds=0.001, timeout=60) as supervisor:
        assert supervisor.measure(make_point()).status is Status.OK
        assert supervisor._process is not None
        worker = supervisor._process.pid
    assert gone(worker)


def test_last_words_are_those_of_the_point_and_not_of_those_before(measure: Measure) -> None:
    """The log is emptied between points while the worker still has it open."""
    measure("babbles")
    record = measure("exits")
    assert "last words" in record.reason
    assert "\x00" not in record.reason
    assert "yyy" not in record.reason
