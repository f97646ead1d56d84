from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import torch

from bench import environment
from bench.device import cpu_model
from bench.noise import save_noise
from bench.spec import SweepSpec
from reports.schema import Noise

CPU = [torch.device("cpu")]


def test_it_tells_where_a_run_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "2")
    monkeypatch.setenv("HARMLESS", "yes")
    found = environment.describe("hatrick sweep --dim 8", SweepSpec(dim=8), CPU)
    assert found.command == "hatrick sweep --dim 8"
    assert found.spec["dim"] == 8
    assert found.devices == {"cpu": cpu_model()}
    assert found.packages["torch"] == torch.__version__
    assert {"numpy", "pandas", "plotly", "hatrick-bench"} <= found.packages.keys()
    assert found.variables["MALLOC_ARENA_MAX"] == "2"
    assert "HARMLESS" not in found.variables
    assert found.cpu_cores == len(os.sched_getaffinity(0))
    assert found.memory_bytes > 2**28


def test_the_cudnn_that_is_loaded_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for version, expected in ((90100, "90100"), (None, None)):
        monkeypatch.setattr("torch.backends.cudnn.version", lambda version=version: version)
        assert environment.describe("x", SweepSpec(), CPU).packages.get("cudnn") == expected


def test_runs_have_names_of_their_own() -> None:
    first, second = (environment.describe("x", SweepSpec(), CPU) for _ in range(2))
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


def test_the_workers_threads_sleep_and_malloc_keeps_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1")
    monkeypatch.setenv("MINE", "yes")
    usual = environment.worker_environment("kept", "passive")
    assert usual["OMP_WAIT_POLICY"] == "passive"
    assert int(usual["MALLOC_TRIM_THRESHOLD_"]) > 1 << 30
    assert usual["MINE"] == "yes"
    system = environment.worker_environment("system", "system")
    assert system["OMP_WAIT_POLICY"] == "active"
    assert system["MALLOC_TRIM_THRESHOLD_"] == "1"


def test_the_noise_floor_of_this_machine_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert environment.describe("x", SweepSpec(), CPU).noise is None
    noise = Noise(
        measured_at="2026-01-02T03:04:05Z",
        device_name=cpu_model(),
        spread=0.02,
        pairs=10,
        fit=True,
    )
    save_noise(noise)
    assert environment.describe("x", SweepSpec(), CPU).noise == noise


def test_the_digest_is_of_every_line_of_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bench").mkdir()
    (tmp_path / "hatrick").mkdir()
    file, other = tmp_path / "bench" / "environment.py", tmp_path / "hatrick" / "a.py"
    file.write_text("a = 1\n")
    other.write_text("b = 1\n")
    monkeypatch.setattr(environment, "__file__", str(file))
    digests = [environment.code_digest()]
    for path, text in ((file, "a = 2\n"), (file, "a = 1\n"), (other, "b = 2\n")):
        path.write_text(text)
        digests.append(environment.code_digest())
    other.rename(other.with_name("c.py"))
    digests.append(environment.code_digest())
    (tmp_path / "notes.txt").write_text("no code")
    digests.append(environment.code_digest())
    first, changed, same, other_changed, renamed, beside = digests
    assert len({first, changed, other_changed, renamed}) == 4
    assert (same, beside) == (first, renamed)


def test_a_plug_in_is_told_by_its_file_or_by_all_of_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path / "digested_package"
    package.mkdir()
    file, single = tmp_path / "mine.py", tmp_path / "digested_module.py"
    for path in (file, single, package / "__init__.py", package / "inner.py"):
        path.write_text("a = 1\n")
    plugins = [str(file), "digested_module", "digested_package", "digested_package.inner"]

    def digests() -> dict[str, str]:
        found = environment.describe("x", SweepSpec(plugin=plugins), CPU).packages
        return {plugin: found[plugin] for plugin in plugins}

    before = digests()
    assert all(digest.startswith("sha256 ") for digest in before.values())
    for path, changed in (
        (package / "inner.py", {"digested_package", "digested_package.inner"}),
        (single, {"digested_module"}),
        (file, {str(file)}),
    ):
        path.write_text("a = 2\n")
        after = digests()
        assert {plugin for plugin in plugins if after[plugin] != before[plugin]} == changed
        before = after


def test_the_versions_of_peers_are_told_where_they_are_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def version(name: str) -> str:
        if name in ("transformers", "local-attention"):
            raise environment.PackageNotFoundError(name)
        return "1.2.3"

    monkeypatch.setattr(environment, "version", version)
    found = environment.describe("x", SweepSpec(), CPU).packages
    assert found["reformer-pytorch"] == "1.2.3"
    assert not {"transformers", "local-attention"} & found.keys()
