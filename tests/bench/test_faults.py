"""One sweep over attentions that do everything wrong, between sound ones: nothing of it reaches
the sound ones, and nothing of it is left when the sweep is over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

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
FAMILY = "HATRICK_TEST_FAMILY"
"""Tells the sweeps of this file, and all they start, from any other that runs beside them."""
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
    "shortens": (
        Status.DISAGREES,
        "must return a tensor of shape (2, 2, 24, 8), got (2, 2, 23, 8)",
    ),
    "breaks": (Status.DISAGREES, "values of the output are not finite"),
    "errs": (Status.DISAGREES, "against the oracle"),
    "changes": (Status.DISAGREES, "the call changed its own input"),
}
# A fault between every two sound ones, and one at either end.
ORDER = (
    "segfaults,full,segfaults_later,raises,hatrick,hangs,scribbles,lsh,hoards,exits,sliding_window,"
    "strays,sound,shortens,breaks,babbles,errs,forks,leaks,changes"
)


WITHOUT_CEILINGS = (
    "import bench.sweep; bench.sweep.ceilings = lambda device, dtypes: []; "
    "from bench.cli import main; main()"
)
"""They take as long as all else in these sweeps."""
SWEEP = [sys.executable, "-c", WITHOUT_CEILINGS, "sweep"]
SWEEP += ["--preset=quick", "--device=cpu", "--dim=16", "--heads=2", "--chunk-size=8"]


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


def left_over(family: str, within_s: float = 5.0) -> list[str]:
    """What still runs, after a moment, of the workers of one sweep and all they have started."""
    end = time.monotonic() + within_s
    while (found := _workers_and_theirs(family)) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def _workers_and_theirs(family: str) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            variables = process.environ()
            if MARK in variables and variables.get(FAMILY) == family:
                found.append(f"{process.pid} {process.cmdline()}")
        except psutil.Error:
            continue  # it has ended, or is somebody else's
    return found


@pytest.fixture(scope="module")
def swept(misbehaving: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run file of that sweep."""
    path = tmp_path_factory.mktemp("faults") / "run.jsonl"
    flags = {"preset": "quick", "device": "cpu", "batch": "2", "dim": "16", "heads": "2"}
    flags |= {"seq_len": "24", "chunk_size": "8", "seconds": "0.01", "timeout": "5"}
    flags |= {"variants": ORDER, "plugin": str(misbehaving), "out": str(path)}
    spec, preset = merge(flags)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FAMILY, "faults")
        patch.setattr(crew, "Supervisor", partial(Supervisor, memory_bytes=3 * GIB // 2))
        listener = Listener()
        run(plan(spec, preset=preset, command="hatrick sweep", resume=False), listener)
    read = read_run(path)
    assert sorted(r.key for r in read.records) == sorted(r.key for r in listener.records)
    return read


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
    assert left_over("faults") == []
    assert not swept.path.with_name(swept.path.name + ".visits").exists()


def journal_of(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a run's journal; none where it is gone."""
    journal = path.with_name(path.name + ".visits")
    if not journal.exists():
        return []
    lines = journal.read_bytes().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


def wait_for(what: Callable[[], object], sweep: subprocess.Popen[str]) -> None:
    while not what() and sweep.poll() is None:
        time.sleep(0.005)


@dataclass
class Kill:
    """What was on the disk when a sweep had been killed."""

    records: list[Record]
    journal: list[dict[str, Any]]


@dataclass
class Story:
    """A sweep that was killed again and again, and gone on with until it was done."""

    kills: list[Kill]
    end: Run
    exit_code: int
    stderr: str


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Kills come after a number of answers drawn from a seed; in between the run file and the
    journal lose half of a line that was being written."""
    path = tmp_path_factory.mktemp("killed") / "run.jsonl"
    journal = path.with_name("run.jsonl.visits")
    # So fine a target takes many visits; a sweep that ends before its kill would prove nothing.
    command = [*SWEEP, "--variants=full,hatrick,sliding_window", "--seq-len=16,24"]
    command += ["--target=0.00001", "--seconds=0.2", f"--out={path}", "--resume"]
    random, kills, variables = Random(7), [], os.environ | {FAMILY: "story"}
    for half_written in ([journal], [journal, path]):
        answers = len(journal_of(path)) + random.randint(2, 10)
        sweep = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=variables)
        wait_for(lambda answers=answers: len(journal_of(path)) >= answers, sweep)
        assert sweep.poll() is None, sweep.communicate()
        sweep.kill()
        sweep.communicate()
        kills.append(Kill(read_run(path).records, journal_of(path)))
        for file in half_written:
            with file.open("ab") as end:
                end.write(b'{"type":"record","key":"0123')
    assert left_over("story") == []
    done = subprocess.run(command, capture_output=True, text=True, env=variables)
    return Story(kills, read_run(path), done.returncode, done.stderr)


def test_a_sweep_that_was_killed_ends_well_when_it_is_gone_on_with(story: Story) -> None:
    assert story.exit_code == 0, story.stderr
    assert story.end.damaged == []
    assert len(story.end.records) == len({record.key for record in story.end.records}) == 6
    assert {record.status for record in story.end.records} == {Status.OK}
    assert journal_of(story.end.path) == []
    assert not story.end.path.with_name("run.jsonl.visits").exists()


def test_a_kill_loses_the_visit_it_fell_into_and_no_other(story: Story) -> None:
    assert len(story.kills) == 2
    for before, after in zip(story.kills, story.kills[1:], strict=False):
        assert after.records[: len(before.records)] == before.records
        assert after.journal[: len(before.journal)] == before.journal
        assert len(after.journal) > len(before.journal)
    last = story.kills[-1]
    assert story.end.records[: len(last.records)] == last.records
    records = {record.key: record for record in story.end.records}
    for key in {entry["key"] for entry in last.journal}:
        answers = [entry["answer"] for entry in last.journal if entry["key"] == key]
        visits = [each["samples_ms"] for each in answers if each["type"] == "visit"]
        latency = records[key].latency
        assert latency is not None
        assert latency.visits[: len(visits)] == [len(each) for each in visits]
        kept = [sample for each in visits for sample in each]
        assert latency.samples_ms[: len(kept)] == kept
        # Prepared once, by the sweep that came to it first.
        assert [each["type"] for each in answers].count("prepared") == 1


def test_a_point_that_was_killed_over_has_no_more_samples_than_any_other(story: Story) -> None:
    for record in story.end.records:
        latency = record.latency
        assert latency is not None
        assert 20 <= len(latency.samples_ms) == sum(latency.visits) <= 1000 + max(latency.visits)
        assert record.wall_s * 1e3 >= sum(latency.samples_ms)


def test_what_was_half_written_is_kept_beside_the_run(story: Story) -> None:
    aside = story.end.path.with_name("run.jsonl.damaged").read_text()
    assert aside == '{"type":"record","key":"0123\n'


def test_ctrl_c_ends_a_point_that_hangs_and_says_how_to_go_on(
    misbehaving: Path, tmp_path: Path, gone: Callable[[int], bool]
) -> None:
    child, path = misbehaving.with_name("child"), tmp_path / "run.jsonl"
    child.unlink(missing_ok=True)
    command = [*SWEEP, "--variants=full,hangs", "--seq-len=16", f"--out={path}"]
    command += [f"--plugin={misbehaving}"]
    variables = os.environ | {FAMILY: "ctrl-c"}
    sweep = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=variables)
    wait_for(lambda: child.exists() and child.read_text(), sweep)
    sweep.send_signal(signal.SIGINT)
    _, stderr = sweep.communicate(timeout=60)
    assert sweep.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert str(path) in stderr
    assert stderr.rstrip().endswith("--resume")
    assert gone(int(child.read_text()))
    assert left_over("ctrl-c") == []
    # It was the user who ended the point: that is no result of it.
    assert read_run(path).records == []
    assert [entry["answer"]["type"] for entry in journal_of(path)] == ["prepared"]
