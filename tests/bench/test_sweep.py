from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.spec import SpecError, merge
from bench.supervisor import Supervisor
from bench.sweep import exit_code, plan, run
from reports.runfile import read_run
from reports.schema import Point, Record, Status

SMALL = {
    "preset": "quick",
    "device": "cpu",
    "dim": "16",
    "heads": "2",
    "chunk_size": "8",
    "seconds": "0.01",
}
SWEEP = [sys.executable, "-c", "from bench.cli import main; main()", "sweep"]


class Silent:
    """Progress that keeps the records it is told of."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def start(self, point: Point) -> None:
        pass

    def finish(self, record: Record) -> None:
        self.records.append(record)


def test_every_point_becomes_a_record(tmp_path: Path) -> None:
    flags = SMALL | {"variants": "hatrick,full", "seq_len": "16,24", "scope": "layer,core"}
    spec, preset = merge(flags | {"out": str(tmp_path / "new" / "run.jsonl")})
    prepared = plan(spec, preset=preset, command="hatrick sweep", resume=False)
    assert not prepared.path.exists()
    silent = Silent()
    run(prepared, silent)
    read = read_run(prepared.path)
    assert read.records == silent.records
    assert [r.point.key for r in read.records] == [p.point.key for p in prepared.todo]
    found = {(r.point.variant, r.point.scope): r.status for r in read.records}
    assert found == {
        ("hatrick", "layer"): Status.OK,
        ("hatrick", "core"): Status.UNSUPPORTED,
        ("full", "layer"): Status.OK,
        ("full", "core"): Status.OK,
    }
    assert read.environment.spec["seq_len"] == [16, 24]
    assert read.environment.command == "hatrick sweep"


def test_a_sweep_of_unsupported_points_starts_no_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Supervisor, "_start", None)
    flags = SMALL | {"variants": "hatrick", "scope": "core", "out": str(tmp_path / "run.jsonl")}
    spec, preset = merge(flags)
    prepared = plan(spec, preset=preset, command="", resume=False)
    run(prepared, Silent())
    assert {r.status for r in read_run(prepared.path).records} == {Status.UNSUPPORTED}


def test_the_run_files_name_tells_when_and_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spec, preset = merge(SMALL)
    path = plan(spec, preset=preset, command="", resume=False).path
    assert path.parent == Path("results")
    assert path.name.endswith("Z-quick.jsonl")


def test_resume_finds_the_run_of_this_sweep_and_starts_a_file_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    flags = SMALL | {"variants": "hatrick", "scope": "core", "seq_len": "16,24"}
    spec, preset = merge(flags)
    first = plan(spec, preset=preset, command="", resume=False)
    run(first, Silent())
    again = plan(spec, preset=preset, command="", resume=True)
    assert (again.path, again.resumes, again.todo, again.done) == (first.path, True, [], 2)
    named, preset = merge(flags | {"out": "new.jsonl"})
    fresh = plan(named, preset=preset, command="", resume=True)
    assert (fresh.resumes, len(fresh.todo), fresh.done) == (False, 2, 0)
    run(fresh, Silent())
    assert len(read_run("new.jsonl").records) == 2


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    spec, preset = merge(SMALL | {"out": str(tmp_path / "file" / "run.jsonl")})
    with pytest.raises(SpecError, match="cannot be written"):
        run(plan(spec, preset=preset, command="", resume=False), Silent())


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        (["ok", "unsupported"], 0),
        ([], 0),
        (["ok", "out_of_memory"], 1),
        (["disagrees"], 1),
        (["timeout"], 1),
        (["crashed"], 1),
    ],
)
def test_exit_codes(statuses: list[str], code: int) -> None:
    assert exit_code(statuses) == code


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A run whose sweep was killed in the middle, with half a line at its end, and the command."""
    path = tmp_path_factory.mktemp("killed") / "run.jsonl"
    flags = {**SMALL, "seconds": "0.3", "variants": "hatrick,full", "seq_len": "16,24,32,40"}
    flags["out"] = str(path)
    command = [*SWEEP, *(f"--{key.replace('_', '-')}={value}" for key, value in flags.items())]
    sweep = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while not path.exists() or path.read_bytes().count(b"\n") < 4:
        assert sweep.poll() is None
        time.sleep(0.02)
    sweep.send_signal(signal.SIGKILL)
    sweep.wait()
    with path.open("ab") as file:
        file.write(b'{"type":"record","key":"0123')
    return path, command


def test_nothing_that_was_measured_is_lost_by_a_kill(killed: tuple[Path, list[str]]) -> None:
    before = read_run(killed[0])
    assert 3 <= len(before.records) < 8
    assert len(before.damaged) == 1


def test_resume_goes_on_where_the_sweep_was_killed(
    killed: tuple[Path, list[str]], tmp_path: Path
) -> None:
    path, command = killed
    copy = Path(shutil.copy(path, tmp_path / "run.jsonl"))
    before = read_run(copy).records
    again = [part.replace(str(path), str(copy)) for part in command]
    done = subprocess.run([*again, "--resume"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    after = read_run(copy)
    assert after.damaged == []
    assert after.records[: len(before)] == before
    assert len(after.records) == len({record.key for record in after.records}) == 8
    # Only what was left has been measured.
    assert done.stderr.splitlines()[0].startswith(f"{len(before) + 1}/8 ")
    assert copy.with_suffix(".html").exists()


def test_ctrl_c_ends_with_how_to_go_on(tmp_path: Path, make_point: Callable[..., Point]) -> None:
    path = tmp_path / "run.jsonl"
    command = [*SWEEP, "--preset=quick", "--device=cpu", "--seconds=5", f"--out={path}"]
    sweep = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not path.exists():
        time.sleep(0.02)
    sweep.send_signal(signal.SIGINT)
    _, stderr = sweep.communicate(timeout=30)
    assert sweep.returncode == 130
    assert "Traceback" not in stderr
    assert str(path) in stderr
    assert stderr.rstrip().endswith("--resume")
