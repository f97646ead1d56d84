"""`hatrick gate` in a project that has but a plug-in file, with real processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from bench.cli import app
from reports.gate.outcome import SOMETHING_WORSE
from reports.gate.result import Change, Outcome, Result, Verdict
from reports.gate.resultfile import read_result
from reports.runfile import read_run
from reports.schema import Status

MISTAKE, INTERRUPTED = 2, 130
MINE = """
import time
import torch
from variants import register_core


def attend(q, k, v):
    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v


def everything(i, j, *, causal, chunk_size):
    return i == i


def mine(name):
    return register_core(name, uses_chunk_size=False, visible=everything)


@mine("alike")
def alike(q, k, v, *, causal, chunk_size, key_padding_mask):
    return attend(q, k, v)
"""
MORE = {
    "copies": "return attend(q, k, v){}",
    "errs": "out = attend(q, k, v); out[0, 0, 3, 1] += {}; return out",
    "waits": "time.sleep({}); return attend(q, k, v)",
}
BEFORE = {"copies": "", "errs": "0.0", "waits": "0.0"}
AFTER = {"copies": ".clone()", "errs": "0.1", "waits": "0.005"}
SMALL = [
    "--seq-len",
    "16",
    "--dim",
    "16",
    "--heads",
    "2",
    "--direction",
    "forward",
    "--device",
    "cpu",
]
TIMED = [*SMALL, "--plugin", "mine.py", "--blocks", "2", "--seconds", "0.2"]


def source(filled: dict[str, str]) -> str:
    """A plug-in's file: `alike`, and variants that `filled` makes something of."""
    more = [
        f'''
@mine("{name}")
def {name}(q, k, v, *, causal, chunk_size, key_padding_mask):
    {MORE[name].format(value)}
'''
        for name, value in filled.items()
    ]
    return MINE + "".join(more)


@pytest.fixture
def plugin(tmp_path: Path, commit: Callable[..., str], registry: ModuleType) -> Path:
    """A repository with `mine.py` in it; what it registers in this process is taken back."""
    folder = tmp_path / "theirs"
    commit(folder, {"mine.py": source(BEFORE)})
    return folder


def started(folder: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "from bench.cli import main; main()", "gate", *arguments],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def gate(folder: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    """Exit code, and all that was said."""
    process = started(folder, *arguments, **variables)
    out, err = process.communicate(timeout=200)
    assert "Traceback" not in err
    return process.returncode, out + err


def outcomes(result: Result) -> dict[str, Outcome]:
    return {point.name.split(",")[0]: point.outcome for point in result.points}


def worse(result: Result, variant: str) -> set[str]:
    (point,) = (p for p in result.points if p.name.startswith(variant))
    return {figure.name for figure in point.exact if figure.change is Change.WORSE}


def test_what_got_worse_is_told_and_nothing_else(plugin: Path, tmp_path: Path) -> None:
    (plugin / "mine.py").write_text(source({**BEFORE, **AFTER, "waits": "0.0"}))
    (plugin / "more.py").write_text(MINE.replace("alike", "fresh"))
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    plugins = ["--plugin", "mine.py,more.py", "--exact", "--out", "found"]
    code, said = gate(plugin, *SMALL, *plugins, GITHUB_STEP_SUMMARY=str(summary))
    assert code == SOMETHING_WORSE, said

    found = read_result(plugin / "found" / "result.json")
    assert outcomes(found) == {
        "alike": Outcome.PASSED,
        "copies": Outcome.FAILED,
        "errs": Outcome.FAILED,
        "waits": Outcome.PASSED,
        "fresh": Outcome.NEW,
    }
    assert "operators" in worse(found, "copies")
    assert worse(found, "errs") == {"status"}
    assert re.search(r"FAILED: copies, T=16, forward: .*operators \d+ → \d+", said)
    assert found.base.commit == found.head.commit != ""
    assert (found.base.dirty, found.head.dirty) == (False, True)
    (record,) = read_run(plugin / "found" / "head.jsonl").records
    assert record.status is Status.DISAGREES

    assert summary.read_text().startswith("before\n")
    assert (plugin / "found" / "gate.md").read_text() in summary.read_text()
    suites = ElementTree.parse(plugin / "found" / "junit.xml").getroot()
    assert len(list(suites.iter("failure"))) == 2
    assert "<!doctype html>" in (plugin / "found" / "page.html").read_text()
    assert "Page: found/page.html" in said


def test_twice_as_long_is_slower_and_what_was_measured_is_a_base_too(plugin: Path) -> None:
    (plugin / "mine.py").write_text(source(BEFORE | {"waits": "0.005"}))
    which = ["--variants", "waits"]
    code, said = gate(plugin, *TIMED, *which, "--out", "found")
    assert code == SOMETHING_WORSE, said
    result = read_result(plugin / "found" / "result.json")
    (timing,) = (p.timing for p in result.points if p.name.startswith("waits"))
    assert timing is not None
    assert timing.verdict is Verdict.SLOWER
    base, head = (read_run(plugin / "found" / f"{name}.jsonl") for name in ("base", "head"))
    assert base.environment.git_commit == head.environment.git_commit
    assert (base.environment.git_dirty, head.environment.git_dirty) == (False, True)
    (before,), (after,) = base.records, head.records
    assert before.point == after.point
    assert before.latency is not None
    assert after.latency is not None
    assert len(before.latency.visits) == 2 * 2
    assert after.latency.median_ms > before.latency.median_ms + 4
    assert before.counts is not None

    stored = plugin / "found" / "base.jsonl"
    against = [*TIMED, *which, "--baseline", str(stored)]
    torch = base.environment.packages["torch"]
    stored.write_text(stored.read_text().replace(f'"torch":"{torch}"', '"torch":"1.0"'))
    code, said = gate(plugin, *against)
    assert code == MISTAKE
    assert f"torch was 1.0 and is {torch}" in said
    assert "--allow torch" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--base", "nowhere"], "nowhere"),
        (["--baseline", "nothing.jsonl"], "cannot be read"),
        (["--limit", "lots"], "--limit lots: write 5% or 0.05"),
        (["--plugin", "absent.py"], "absent.py"),
        (["--plugin", "mine.py", "--variants", "hatrik"], "hatrik"),
    ],
)
def test_a_mistake_is_a_sentence_and_leaves_nothing(
    plugin: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(plugin)
    done = CliRunner().invoke(app, ["gate", *SMALL, *arguments, "--out", "found"])
    assert done.exit_code == MISTAKE, done.output
    assert sentence in done.output
    assert not (plugin / "found").exists()


def test_a_base_that_does_not_load_is_a_sentence(plugin: Path, commit: Callable[..., str]) -> None:
    commit(plugin, {"mine.py": "import nothing_of_that_name\n"})
    (plugin / "mine.py").write_text(source(BEFORE))
    code, said = gate(plugin, *TIMED, "--out", "found")
    assert code == MISTAKE
    assert "nothing_of_that_name" in said
    assert "base HEAD" in said


def test_run_files_are_never_overwritten(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (plugin / "found").mkdir()
    (plugin / "found" / "base.jsonl").write_text("kept")
    monkeypatch.chdir(plugin)
    done = CliRunner().invoke(app, ["gate", *SMALL, "--out", "found"])
    assert done.exit_code == MISTAKE
    assert "never overwritten" in done.output
    assert (plugin / "found" / "base.jsonl").read_text() == "kept"


def test_a_gate_that_is_stopped_leaves_no_worktree(
    plugin: Path, git: Callable[..., str], own_temporary_folder: Path
) -> None:
    process = started(plugin, *TIMED, "--base", "HEAD")
    try:
        for _ in range(300):
            if len(git(plugin, "worktree", "list").splitlines()) == 2:
                break
            time.sleep(0.1)
        else:
            pytest.fail("there never was a worktree")
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert code == INTERRUPTED
    assert len(git(plugin, "worktree", "list").splitlines()) == 1
    assert not list(own_temporary_folder.glob("hatrick-gate-*"))
    assert not (plugin / "results").exists() or not list((plugin / "results").iterdir())
