from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bench import environment
from bench.spec import SweepSpec
from reports.schema import Point


def test_it_tells_where_a_run_was_made(
    make_point: Callable[..., Point], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "2")
    monkeypatch.setenv("HARMLESS", "yes")
    found = environment.describe("hatrick sweep --dim 8", SweepSpec(dim=8), [make_point()])
    assert found.command == "hatrick sweep --dim 8"
    assert found.spec["dim"] == 8
    assert found.devices == {"cpu": "a CPU"}
    assert found.packages["torch"] == torch.__version__
    assert {"numpy", "pandas", "plotly", "hatrick-bench"} <= found.packages.keys()
    assert found.variables["MALLOC_ARENA_MAX"] == "2"
    assert "HARMLESS" not in found.variables
    assert found.cpu_cores == len(os.sched_getaffinity(0))
    assert found.memory_bytes > 2**28


def test_runs_have_names_of_their_own(make_point: Callable[..., Point]) -> None:
    first, second = (environment.describe("x", SweepSpec(), [make_point()]) for _ in range(2))
    assert first.run_id != second.run_id


@pytest.mark.parametrize(("value", "expected"), [("3", 3), ("", None), ("0", None), ("many", None)])
def test_threads_follow_omp_num_threads(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: int | None
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert environment.threads() == (expected or environment.cores())


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_the_commit_of_a_checkout_and_whether_it_was_changed(tmp_path: Path) -> None:
    file = tmp_path / "code.py"
    file.write_text("a = 1\n")
    assert environment._git(file) == ("", False)  # no checkout
    git(tmp_path, "init")
    assert environment._git(file) == ("", False)  # a checkout that does not track it
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "one")
    commit, dirty = environment._git(file)
    assert len(commit) == 40
    assert not dirty
    (tmp_path / "result.jsonl").write_text("{}")
    assert environment._git(file) == (commit, False)  # a file beside the code changes nothing
    file.write_text("a = 2\n")
    assert environment._git(file) == (commit, True)


def test_the_workers_threads_sleep_unless_told_otherwise(
    make_point: Callable[..., Point], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert environment.worker_environment()["OMP_WAIT_POLICY"] == "passive"
    described = environment.describe("", SweepSpec(), [make_point()])
    assert described.variables["OMP_WAIT_POLICY"] == "passive"
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    assert environment.worker_environment()["OMP_WAIT_POLICY"] == "active"
