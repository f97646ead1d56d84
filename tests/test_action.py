"""The action that other projects use: its shell steps, in a project that has one plug-in."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import torch
from hosted import (
    ROOT,
    Runner,
    Step,
    commit,
    copy_project,
    fits_schema,
    git,
    install_hatrick,
    read_yaml,
)

FILE = ROOT / "action.yml"
MINE = """from torch import softmax
from variants import register_core


@register_core("mine", uses_chunk_size=False)
def mine(q, k, v, *, causal, chunk_size, key_padding_mask):
    return softmax(q @ k.mT / q.shape[-1] ** 0.5, dim=-1) @ v


@register_core("other", uses_chunk_size=False)
def other(q, k, v, *, causal, chunk_size, key_padding_mask):
    return softmax(q @ k.mT / q.shape[-1] ** 0.5, dim=-1) @ v
"""
WASTEFUL = MINE.replace("q @ k.mT", "(q @ k.mT + q @ k.mT) / 2", 1)
SITE = Path(torch.__file__).parents[1]
TORCH = torch.__version__.partition("+")[0]
TINY = "--device cpu --seq-len 128 --dim 64 --heads 4 --direction forward --exact"


@pytest.fixture(scope="module")
def action() -> Any:
    return read_yaml(FILE.read_text("utf-8"))


@pytest.fixture(scope="module")
def steps(action: Any) -> dict[str, Step]:
    """Shell steps by name."""
    return {step["name"]: step for step in action["runs"]["steps"] if "run" in step}


def given(action: Any, **inputs: str) -> dict[str, str]:
    """Inputs as the action gets them: named ones, and the defaults of the others."""
    return {
        name: inputs.get(name, body.get("default", "")) for name, body in action["inputs"].items()
    }


@pytest.fixture
def host(tmp_path: Path) -> Runner:
    """A checkout of a pull request to a project of one plug-in, whose target has moved on."""
    origin = tmp_path / "origin"
    origin.mkdir()
    git("init", "--quiet", cwd=origin)
    (origin / "mine.py").write_text(MINE)
    commit(origin, "Mine")
    checkout = tmp_path / "checkout"
    git("clone", "--quiet", str(origin), str(checkout), cwd=tmp_path)
    git("switch", "--quiet", "--create", "change", cwd=checkout)
    (checkout / "README.md").write_text("Mine.\n")
    commit(checkout, "Words")
    (origin / "mine.py").write_text(WASTEFUL)
    commit(origin, "Pushed later")
    git("fetch", "--quiet", cwd=checkout)
    return Runner(checkout, tmp_path / "temp", {"GITHUB_BASE_REF": "main"})


@pytest.fixture
def called(host: Runner) -> Path:
    """Stands in for the command: a file with the arguments it was called with, a line each."""
    program = host.temp / "hatrick" / "bin" / "hatrick"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$RUNNER_TEMP/called"\n')
    program.chmod(0o755)
    return host.temp / "called"


def flag(called: Path, name: str) -> str:
    words = called.read_text().splitlines()
    return words[words.index(name) + 1]


def test_the_action_fits_the_published_schema() -> None:
    fits_schema(FILE, "vendor.github-actions")


def test_inputs_reach_a_shell_as_variables_only(action: Any, steps: Mapping[str, Step]) -> None:
    assert all("${{" not in step["run"] for step in steps.values())
    text = FILE.read_text("utf-8")
    assert set(re.findall(r"\binputs\.([\w-]+)", text)) == set(action["inputs"])


def test_actions_are_pinned_to_a_major_version(action: Any) -> None:
    used = [step["uses"] for step in action["runs"]["steps"] if "uses" in step]
    assert len(used) == 2
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", name) for name in used), used


def test_a_pull_request_is_compared_with_where_it_branched_off(
    action: Any, steps: Mapping[str, Step], host: Runner, called: Path
) -> None:
    done = host.run(steps["Compare"], given(action, plugin="mine.py", variants="mine"))
    assert done.returncode == 0, done.stderr
    assert flag(called, "--base") == git("rev-parse", "HEAD~1", cwd=host.checkout)
    assert flag(called, "--base") != git("rev-parse", "origin/main", cwd=host.checkout)


def test_a_push_is_compared_with_the_commit_before(
    action: Any, steps: Mapping[str, Step], host: Runner, called: Path
) -> None:
    push = Runner(host.checkout, host.temp, {})
    assert push.run(steps["Compare"], given(action)).returncode == 0
    assert flag(called, "--base") == "HEAD~1"


def test_a_base_that_is_named_is_the_base(
    action: Any, steps: Mapping[str, Step], host: Runner, called: Path
) -> None:
    assert host.run(steps["Compare"], given(action, base="v1.0")).returncode == 0
    assert flag(called, "--base") == "v1.0"


def test_a_target_that_was_not_fetched_is_left_for_the_gate_to_explain(
    action: Any, steps: Mapping[str, Step], host: Runner, called: Path
) -> None:
    git("update-ref", "-d", "refs/remotes/origin/main", cwd=host.checkout)
    assert host.run(steps["Compare"], given(action)).returncode == 0
    assert flag(called, "--base") == "origin/main"


def test_nothing_in_an_input_is_run_or_expanded(
    action: Any, steps: Mapping[str, Step], host: Runner, called: Path
) -> None:
    nasty = "$(touch run) `touch run`; touch run"
    inputs = given(action, plugin="my file.py", variants=nasty, args="--limit 7% * --strict")
    assert host.run(steps["Compare"], inputs).returncode == 0
    assert not (host.checkout / "run").exists()
    assert flag(called, "--plugin") == "my file.py"
    assert flag(called, "--variants") == nasty
    assert called.read_text().splitlines()[-4:] == ["--limit", "7%", "*", "--strict"]


def test_attentions_that_are_not_named_are_left_to_the_plugin(
    action: Any, steps: Mapping[str, Step], host: Runner, called: Path
) -> None:
    assert host.run(steps["Compare"], given(action, plugin="mine.py")).returncode == 0
    assert "--variants" not in called.read_text().splitlines()


def test_the_exit_code_is_the_gates(
    action: Any, steps: Mapping[str, Step], host: Runner, called: Path
) -> None:
    program = host.temp / "hatrick" / "bin" / "hatrick"
    program.write_text("#!/bin/sh\nexit 3\n")
    assert host.run(steps["Compare"], given(action)).returncode == 3


@pytest.fixture
def offline(tmp_path: Path) -> dict[str, str]:
    """A Python whose pip, and nothing else, is there, and which installs nothing.

    `python3 -m venv` leaves out ensurepip, which takes most of its time.
    """
    python3 = tmp_path / "bin" / "python3"
    python3.parent.mkdir()
    python3.write_text(f'#!/bin/sh\nexec {sys.executable} "$@" --without-pip\n')
    python3.chmod(0o755)
    copy_project(tmp_path / "action")  # pip builds in the folder that it installs
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "pip").symlink_to(SITE / "pip")
    return {
        "GITHUB_ACTION_PATH": str(tmp_path / "action"),
        "PATH": f"{python3.parent}{os.pathsep}{os.environ['PATH']}",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DRY_RUN": "1",
        "PIP_NO_BUILD_ISOLATION": "false",  # pip reads it as its negation: no isolation
        "PIP_NO_INDEX": "1",
        "PYTHONPATH": str(tmp_path / "site"),
    }


def loud(step: Step) -> Step:
    """The step, with pip saying what it does."""
    return {**step, "run": step["run"].replace("install --quiet", "install")}


def test_it_installs_what_the_constraints_say_and_leaves_a_torch_that_is_there(
    steps: Mapping[str, Step], host: Runner, offline: dict[str, str]
) -> None:
    done = host.run(loud(steps["Install"]), NO_INDEX, **offline | {"PYTHONPATH": str(SITE)})
    assert done.returncode == 0, done.stdout + done.stderr
    would = re.findall(r"Would install (.*)", done.stdout)
    assert [name.rpartition("-")[0] for name in would] == ["hatrick-bench"]
    every = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    kept = (host.temp / "constraints.txt").read_text("utf-8").splitlines()
    changed = [line for line in every if line not in kept]
    assert changed in ([], [f"torch=={TORCH}"])  # a build with a suffix, such as +cpu, has it there
    (torch,) = (line for line in kept if line.startswith("torch=="))
    assert torch == f"torch=={installed('torch')}"


NO_INDEX = {"torch-index": ""}


def wheel(folder: Path, version: str) -> None:
    """A torch with nothing in it."""
    info = f"torch-{version}.dist-info"
    with ZipFile(folder / f"torch-{version}-py3-none-any.whl", "w") as file:
        for name, lines in {
            "METADATA": ["Metadata-Version: 2.1", "Name: torch", f"Version: {version}"],
            "WHEEL": ["Wheel-Version: 1.0", "Root-Is-Purelib: true", "Tag: py3-none-any"],
            "RECORD": [],
        }.items():
            file.writestr(f"{info}/{name}", "\n".join(lines))


def test_without_a_torch_it_takes_the_pinned_one_for_cpus(
    steps: Mapping[str, Step], host: Runner, offline: dict[str, str], tmp_path: Path
) -> None:
    for version in (TORCH, f"{TORCH}+cpu", "99.0"):
        wheel(tmp_path, version)
    done = host.run(loud(steps["Install"]), NO_INDEX, **offline | {"PIP_FIND_LINKS": str(tmp_path)})
    assert re.findall(r"Would install (.*)", done.stdout) == [f"torch-{TORCH}+cpu"]


def test_an_attention_that_computes_more_fails_and_the_other_passes(
    action: Any, steps: Mapping[str, Step], host: Runner
) -> None:
    (host.checkout / "mine.py").write_text(WASTEFUL)
    commit(host.checkout, "More work")
    install_hatrick(host.temp / "hatrick" / "bin" / "hatrick", ROOT)
    done = host.run(steps["Compare"], given(action, plugin="mine.py", args=TINY))
    assert done.returncode == 1, done.stdout + done.stderr
    result = json.loads((host.temp / "hatrick-gate" / "result.json").read_text("utf-8"))
    outcomes = {point["head"]["variant"]: point["outcome"] for point in result["points"]}
    assert outcomes == {"mine": "failed", "other": "passed"}
    worse = {f["name"] for p in result["points"] for f in p["exact"] if f["change"] == "worse"}
    assert {"FLOPs", "operators"} <= worse
    assert "mine" in host.summary.read_text("utf-8")
