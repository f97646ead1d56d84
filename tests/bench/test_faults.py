"""One sweep over attentions that do everything wrong, between sound ones: nothing of it reaches
the sound ones, and nothing of it is left when the sweep is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
import pytest

from bench import crew
from bench.messages import Prepared
from bench.spec import merge
from bench.supervisor import MARK, Supervisor
from bench.sweep import exit_code, plan, run
from reports.runfile import Run, read_run
from reports.schema import Point, Record, Status

GIB = 1 << 30
SOUND = ("full", "hatrick", "lsh", "sliding_window", "sound", "babbles", "forks", "leaks")
FAULTS = {
    "segfaults": (Status.CRASHED, "SIGSEGV"),
    "segfaults_later": (Status.CRASHED, "SIGSEGV"),
    "exits": (Status.CRASHED, "the worker exited with 3; it printed: last words"),
    "strays": (Status.CRASHED, "the worker exited with 4"),
    "hangs": (Status.TIMEOUT, "did not give an answer within 5 s"),
    "raises": (Status.CRASHED, "RuntimeError: no luck today (while it was first called)"),
    "scribbles": (Status.CRASHED, "b'not an answer either'"),
    "hoards": (Status.OUT_OF_MEMORY, "while it was first called"),
    "shortens": (Status.DISAGREES, "must return a tensor of shape (2, 2, 24, 8), got (2, 2, 23, 8)"),
    "breaks": (Status.DISAGREES, "values of the output are not finite"),
    "errs": (Status.DISAGREES, "against the oracle"),
    "changes": (Status.DISAGREES, "the call changed its own input"),
}
# A fault between every two sound ones, and one at either end.
ORDER = (
    "segfaults,full,segfaults_later,raises,hatrick,hangs,scribbles,lsh,hoards,exits,sliding_window,"
    "strays,sound,shortens,breaks,babbles,errs,forks,leaks,changes"
)


@dataclass
class Listener:
    """Keeps what it is told."""

    records: list[Record] = field(default_factory=list)

    def say(self, sentence: str) -> None:
        raise AssertionError(f"nothing is to be said without a budget: {sentence}")

    def watch(self, point: Point) -> None:
        pass

    def finish(self, record: Record, seconds_left: float | None) -> None:
        self.records.append(record)


def marked_processes() -> list[str]:
    """All processes that carry a worker's mark, but those of other tests that run beside this."""
    ours = psutil.Process().children(recursive=True)
    orphans = [process for process in psutil.process_iter() if process.ppid() == 1]
    found = []
    for process in {*ours, *orphans}:
        try:
            if MARK in process.environ() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(f"{process.pid} {process.cmdline()}")
        except psutil.Error:
            continue
    return found


@pytest.fixture(scope="module")
def swept(misbehaving: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The run file of that sweep."""
    path = tmp_path_factory.mktemp("faults") / "run.jsonl"
    flags = {"preset": "quick", "device": "cpu", "batch": "2", "dim": "16", "heads": "2"}
    flags |= {"seq_len": "24", "chunk_size": "8", "seconds": "0.01", "timeout": "5"}
    flags |= {"variants": ORDER, "plugin": str(misbehaving), "out": str(path)}
    spec, preset = merge(flags)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crew, "Supervisor", partial(Supervisor, memory_bytes=3 * GIB // 2))
        listener = Listener()
        run(plan(spec, preset=preset, command="hatrick sweep", resume=False), listener)
    read = read_run(path)
    assert sorted(r.key for r in read.records) == sorted(r.key for r in listener.records)
    yield read


def by_variant(run: Run) -> dict[str, Record]:
    return {record.point.variant: record for record in run.records}


def test_every_point_is_one_row_and_no_line_is_damaged(swept: Run) -> None:
    assert swept.damaged == []
    assert sorted(by_variant(swept)) == sorted([*SOUND, *FAULTS]) == sorted(ORDER.split(","))
    assert len(swept.records) == len(SOUND) + len(FAULTS)
    assert exit_code([record.status for record in swept.latest]) == 1


@pytest.mark.parametrize("variant", FAULTS)
def test_a_fault_has_its_status_and_says_what_happened(swept: Run, variant: str) -> None:
    record = by_variant(swept)[variant]
    status, reason = FAULTS[variant]
    assert (record.status, reason in record.reason) == (status, True), record.reason
    assert record.latency is None
    assert record.memory is None


@pytest.mark.parametrize("variant", SOUND)
def test_a_sound_point_is_ok_with_all_its_samples(swept: Run, variant: str) -> None:
    record = by_variant(swept)[variant]
    assert (record.status, record.reason) == (Status.OK, "")
    assert record.latency is not None
    assert len(record.latency.samples_ms) == sum(record.latency.visits) >= 20
    assert len(record.latency.visits) >= 5


@pytest.mark.parametrize("variant", [each for each in SOUND if each not in ("forks", "leaks")])
def test_a_sound_points_figures_are_those_it_has_alone(
    swept: Run, supervisor: Supervisor, variant: str
) -> None:
    record = by_variant(swept)[variant]
    alone = supervisor.ask("prepare", record.point)
    assert isinstance(alone, Prepared)
    assert record.memory is not None
    assert record.memory.workspace_bytes == alone.memory.workspace_bytes
    assert record.memory.retained_bytes == alone.memory.retained_bytes == 0
    assert record.agreement == alone.agreement


def test_a_leak_is_told_and_its_samples_come_last(swept: Run) -> None:
    record = by_variant(swept)["leaks"]
    assert record.memory is not None
    assert record.memory.retained_bytes >= record.memory.output_bytes
    assert swept.records[-1].point.variant == "leaks"


def test_nothing_that_was_started_is_left(swept: Run) -> None:
    assert marked_processes() == []
    assert not swept.path.with_name(swept.path.name + ".visits").exists()
