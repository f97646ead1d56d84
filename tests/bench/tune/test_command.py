"""The command as its user types it: a whole tuning, what it leaves, and mistakes in the call."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bench.cli import app
from bench.tune import verify as verifying
from hatrick.chunk_size import store
from reports.runfile import read_run

HATRICK = [sys.executable, "-c", "from bench.cli import main; main()"]
SMALL = [
    "--device", "cpu", "--seq-len", "64", "--chunk-size", "16,32,48", "--dim", "16",
    "--heads", "2", "--dtype", "fp32", "--seconds", "0.01",
]  # fmt: skip


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["tune", *map(str, arguments)])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a configuration folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """The run file of a whole tuning, which nobody changes, and what its command printed."""
    folder = tmp_path_factory.mktemp("finished")
    path, profile = folder / "tune.jsonl", folder / "mine.json"
    return path, call(*SMALL, "--out", path, "--profile", profile)


def decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no noise be too much: which of three tiny chunk sizes is fast is chance."""
    monkeypatch.setattr("reports.tuning.decision.after_confirming", lambda *_: "")


def test_a_tuning_leaves_a_run_and_a_page(finished: tuple[Path, Result]) -> None:
    path, found = finished
    assert found.exit_code in (0, 1), found.output  # 1: too noisy to say
    assert "T = 64:" in found.output
    assert "T = 64" in path.with_suffix(".html").read_text()
    assert [race.point.seq_len for race in read_run(path).races] == [64]


def test_it_goes_on_without_measuring_anything_again_and_keeps_its_profile(
    finished: tuple[Path, Result], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decides(monkeypatch)
    shutil.copy(finished[0], here)
    again = call(*SMALL, "--out", "tune.jsonl", "--resume", "--profile", "mine.json")
    assert again.exit_code == 0, again.output
    assert 'No law, so chunk_size="auto" knows these lengths' in again.output
    assert (here / "tune.jsonl").read_bytes() == finished[0].read_bytes()
    kept = store.load(here / "mine.json")
    assert [each.seq_len for each in kept.lengths] == [64]
    assert kept.lengths[0].origin.run_id == read_run(finished[0]).environment.run_id
    assert not store.profiles().stored  # what goes into a file goes nowhere else
    assert call(*SMALL, "--out", "tune.jsonl", "--resume").exit_code == 0
    (own,) = store.profiles().stored
    assert own.content == kept
    refused = call(*SMALL, "--out", "tune.jsonl")
    assert refused.exit_code == 2
    assert "exists and is never overwritten" in refused.output


def test_what_was_decided_is_verified(
    finished: tuple[Path, Result], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decides(monkeypatch)
    monkeypatch.setattr(verifying, "lengths_to_verify", lambda tuned: {64: "tuned"})
    shutil.copy(finished[0], here)
    found = call(*SMALL, "--out", "tune.jsonl", "--resume", "--verify")
    assert found.exit_code == 0, found.output
    grid = read_run(here / "tune-verify.jsonl")
    assert sorted(r.point.chunk_size or 0 for r in grid.records) == [16, 16, 32, 32, 48, 48]
    assert "The largest regret: tuned" in found.output
    assert "tuning / grid" in found.output


def test_a_calibration_is_kept_and_used(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.tune.calibrate.SECONDS", 0.0)
    flags = ["--device", "cpu", "--seq-len", "512", "--dim", "16", "--heads", "2"]
    found = call(*flags, "--dtype", "fp32", "--calibrate")
    assert found.exit_code == 0, found.output
    (kept,) = store.calibrations().stored
    assert str(kept.path) in found.output.replace("\n", "")
    both = call(*flags, "--calibrate", "--verify")
    assert (both.exit_code, "writes neither run file" in both.output) == (2, True)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--variant", "full"], "full has no chunk size to choose"),
        (["--seq-len", "8"], "shorter than the smallest chunk size"),
        (["--dtype", "fp31"], "no dtype 'fp31'"),
        (["--max-memory", "20 apples"], "write 20GiB"),
        (["--quality", "none.csv", "--max-quality", "2"], "none.csv: cannot be read"),
        (["--profile", "mine.txt"], "ends in .json"),
        (["--profile", "cut.json"], "cut.json: is cut, or is no JSON"),
        (["--verify", "--max-distance", "1"], "--verify is of latency alone"),
        (["--calibrate", "--prefer", "memory"], "--calibrate is of latency alone"),
        (["--out", "tune.csv"], "ends in .jsonl"),
        (["--resume"], "name the run file"),
        (["--variant", "hatrick:rounds=2"], "no option 'rounds'"),
    ],
)
def test_a_mistake_is_a_sentence_and_measures_nothing(
    here: Path, flags: list[str], words: str
) -> None:
    (here / "cut.json").write_text('{"schema_version": 1, "setting"')
    found = call("--device", "cpu", *flags)
    assert found.exit_code == 2, found.output
    assert words in " ".join(found.output.split())
    assert "Traceback" not in found.output
    assert not list(here.glob("*.jsonl"))
    assert not (here / "results").exists()


def test_where_nothing_meets_the_constraints_the_nearest_miss_is_named(here: Path) -> None:
    found = call(*SMALL, "--max-memory", "1", "--out", "tune.jsonl")
    assert found.exit_code == 1
    said = " ".join(found.output.split())
    assert "No chunk size meets the constraints" in said
    assert "The nearest miss is n = " in said
    assert "Profile: none" in said


def test_a_profile_that_cannot_be_written_is_said(
    finished: tuple[Path, Result], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decides(monkeypatch)
    shutil.copy(finished[0], here)
    (here / "config").write_text("a file where a folder should be")
    found = call(*SMALL, "--out", "tune.jsonl", "--resume")
    assert found.exit_code == 3, found.output
    assert "the profile is not kept" in found.output


def test_ctrl_c_keeps_what_was_measured(here: Path) -> None:
    # Long enough that it is never over by itself.
    flags = ["--device", "cpu", "--seq-len", "32,16k", "--dim", "64", "--heads", "2"]
    worker = subprocess.Popen(
        [*HATRICK, "tune", *flags, "--dtype", "fp32", "--out", "tune.jsonl"],
        cwd=here,
        stderr=subprocess.PIPE,
        text=True,
        # The shell of a test run may have Ctrl-C ignored, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # type: ignore[arg-type, return-value]
    )
    path = here / "tune.jsonl"
    for _ in range(600):
        if path.exists() and b'"race"' in path.read_bytes():
            break
        time.sleep(0.1)
    worker.send_signal(signal.SIGINT)
    said = worker.communicate(timeout=60)[1]
    assert worker.returncode == 130, said
    assert "Go on with: hatrick tune" in said or "--resume" in said
    assert "Traceback" not in said
    assert json.loads(path.read_text().splitlines()[0])["type"] == "environment"
