"""The plug-in in other people's projects: it costs nothing and breaks nothing."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from pytest_runs import run_pytest

ROOT = Path(__file__).resolve().parents[2]
LOADED = "import sys, {}; print(*sys.modules)"
BOTH = """
def test_own():
    import bench

    assert bench.mine() == 7


def test_attention(attention_benchmark):
    attention_benchmark("full", seq_len=32, dim=32, heads=2, device="cpu")
"""


def test_the_entry_point_is_this_plug_in() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"hatrick": "hatrick.pytest_plugin"}


def test_loading_it_imports_nothing_heavy_and_no_other_package_of_this_project() -> None:
    code = LOADED.format("hatrick.pytest_plugin")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert {"pytest", "hatrick"} < loaded
    assert not loaded & {"torch", "numpy", "pandas", "pydantic", "pytest_benchmark"}
    assert not loaded & {"bench", "reports", "variants"}


@pytest.mark.parametrize("own", ["bench/__init__.py", "bench.py"])
def test_a_project_with_something_called_bench_runs_its_tests(tmp_path: Path, own: str) -> None:
    path = tmp_path / own
    path.parent.mkdir(exist_ok=True)
    path.write_text("print('executed')\n\ndef mine():\n    return 7\n")
    tests = tmp_path / "test_it.py"
    tests.write_text(BOTH)
    done = run_pytest(tmp_path, "-s", "-k", "attention")
    assert done.returncode == 1
    assert "executed" not in done.stdout
    place = path if own == "bench.py" else path.parent
    assert "needs the package `bench` of hatrick-bench" in done.stdout
    assert f"`import bench` finds {place} here; rename that" in done.stdout
    done = run_pytest(tmp_path, "-k", "own")
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout + done.stderr


@pytest.mark.parametrize("name", ["reports", "variants"])
def test_another_package_that_it_needs_is_looked_for_too(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / "test_it.py").write_text(BOTH)
    done = run_pytest(tmp_path, "-k", "attention")
    assert f"`import {name}` finds {tmp_path / name} here" in done.stdout


def test_without_pytest_benchmark_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("def test_mine(attention_benchmark): pass")
    done = run_pytest(tmp_path, timed=False)
    assert done.returncode == 1
    assert "pip install pytest-benchmark" in done.stdout
