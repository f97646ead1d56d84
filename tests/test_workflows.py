"""The repository's own workflow: what it may do, and each of its shell steps, run in a clone."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from pathlib import Path
from typing import Any

import pytest
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
from typer.testing import CliRunner

from bench.cli import app
from reports.runfile import read_run

WORKFLOW = ROOT / ".github" / "workflows" / "benchmarks.yml"
DOCUMENT = ROOT / "docs" / "ci.md"
TINY = ["--device", "cpu", "--variants", "hatrick", "--seq-len", "128", "--dim", "64"]
TINY += ["--heads", "4", "--direction", "forward"]
EXACT = ["--exact"]


@pytest.fixture(scope="module")
def workflow() -> Any:
    return read_yaml(WORKFLOW.read_text("utf-8"))


def steps(workflow: Any, job: str) -> dict[str, Step]:
    """A job's shell steps by name, in order."""
    return {step["name"]: step for step in workflow["jobs"][job]["steps"] if "run" in step}


@pytest.mark.parametrize(
    "schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"]
)
def test_the_workflow_fits_the_published_schema(schema: str) -> None:
    fits_schema(WORKFLOW, schema)


def test_no_expression_is_pasted_into_a_shell(workflow: Any) -> None:
    for job in workflow["jobs"]:
        assert all("${{" not in step["run"] for step in steps(workflow, job).values())


def test_actions_are_pinned_to_a_major_version(workflow: Any) -> None:
    used = [s["uses"] for job in workflow["jobs"].values() for s in job["steps"] if "uses" in s]
    assert used
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", name) for name in used), used


def test_a_pull_request_from_a_fork_needs_no_more_than_it_has(workflow: Any) -> None:
    assert "pull_request_target" not in workflow["on"]
    assert workflow["permissions"] == {"contents": "read"}
    assert "permissions" not in workflow["jobs"]["gate"]
    assert "secrets" not in WORKFLOW.read_text("utf-8")


def test_a_page_is_kept_of_a_gate_that_failed(workflow: Any) -> None:
    for job in workflow["jobs"].values():
        *_, last = job["steps"]
        assert last["uses"].startswith("actions/upload-artifact@")
        assert last["if"] == "always()"


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the files of the working tree as its one commit."""
    folder = tmp_path_factory.mktemp("origin")
    git("init", "--quiet", cwd=folder)
    copy_project(folder)
    commit(folder, "All")
    return folder


def runner(origin: Path, folder: Path, *clone: str, **context: str) -> Runner:
    """A runner with a checkout in which `make` has nothing to install."""
    checkout = folder / "checkout"
    git("clone", "--quiet", *clone, f"file://{origin}", str(checkout), cwd=folder)
    hatrick = checkout / ".venv" / "bin" / "hatrick"
    install_hatrick(hatrick, checkout, sweep=[*TINY, "--seconds", "0.02"], gate=[*TINY, *EXACT])
    (checkout / ".venv" / "installed").touch()
    return Runner(checkout, folder / "temp", context)


def test_a_pull_request_is_compared_with_what_it_was_merged_with(
    workflow: Any, origin: Path, tmp_path: Path
) -> None:
    before = git("rev-parse", "main", cwd=origin)
    host = runner(origin, tmp_path, GITHUB_BASE_REF="main", GITHUB_EVENT_NAME="pull_request")
    git("switch", "--quiet", "--create", "change", cwd=host.checkout)
    (host.checkout / "variants" / "full.py").open("a").write("\n# A remark.\n")
    commit(host.checkout, "Change")
    git("checkout", "--quiet", "--detach", "origin/main", cwd=host.checkout)
    git("merge", "--quiet", "--no-ff", "--message", "Merge", "change", cwd=host.checkout)
    # Then the target moves on.
    (origin / "LATER.md").write_text("Pushed after the merge.\n")
    commit(origin, "Later")
    git("fetch", "--quiet", "origin", cwd=host.checkout)

    for step in steps(workflow, "gate").values():
        done = host.run(step)
        assert done.returncode == 0, done.stdout + done.stderr
    folder = host.checkout / "results" / "gate"
    result = json.loads((folder / "result.json").read_text("utf-8"))
    assert before.startswith(result["base"]["commit"])
    (point,) = result["points"]
    assert {figure["change"] for figure in point["exact"]} <= {"same", "not counted"}
    for name in ("page.html", "gate.md", "junit.xml"):
        assert (folder / name).stat().st_size > 0, name
    assert host.summary.stat().st_size > 0
    assert git("worktree", "list", cwd=host.checkout).count("\n") == 0


def test_runs_of_main_gather_in_a_branch(workflow: Any, origin: Path, tmp_path: Path) -> None:
    run = tmp_path / "run.jsonl"
    for count in (1, 2):
        folder = tmp_path / str(count)
        folder.mkdir()
        host = runner(origin, folder, "--depth=1", GITHUB_EVENT_NAME="push")
        measured = host.checkout / "results" / "main.jsonl"
        for name, step in steps(workflow, "history").items():
            if name == "Measure" and run.exists():
                another_run(run, measured)
                continue
            done = host.run(step)
            assert done.returncode == 0, done.stdout + done.stderr
        shutil.copy(measured, run)
        kept = git("ls-tree", "-r", "--name-only", "benchmark-history", cwd=origin).splitlines()
        assert len([name for name in kept if ".jsonl" in name]) == count, kept
        assert (host.checkout / "results" / "trend.html").stat().st_size > 0
    # One empty commit to begin with, and one a run, which leave main alone.
    assert git("rev-list", "--count", "benchmark-history", cwd=origin) == "3"
    assert "README.md" not in kept


def another_run(run: Path, copy: Path) -> None:
    """The same figures under another name: measuring takes its time."""
    text = run.read_text("utf-8")
    name = read_run(run).environment.run_id
    copy.parent.mkdir()
    copy.write_text(text.replace(name, name[::-1]))


def blocks(language: str) -> list[str]:
    """What stands in the document's fences of a language."""
    text = DOCUMENT.read_text("utf-8")
    return [textwrap.dedent(t) for t in re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)]


def test_every_example_of_the_document_is_a_workflow(tmp_path: Path) -> None:
    examples = blocks("yaml")
    assert examples
    for number, text in enumerate(examples):
        example = read_yaml(text)
        if isinstance(example, list):  # steps alone
            job = {"runs-on": "ubuntu-24.04", "timeout-minutes": 30, "steps": example}
            example = {"on": "push", "jobs": {"example": job}}
        file = tmp_path / f"{number}.yml"
        file.write_text(json.dumps(example))
        fits_schema(file, "vendor.github-workflows")


def test_every_command_of_the_document_has_the_flags_that_it_names() -> None:
    text = "\n".join([*blocks("yaml"), *blocks("sh")]).replace("\\\n", " ")
    calls = re.findall(r"\bhatrick (history \w+|\w+)(?: (.*))?", text)
    assert calls
    for command, rest in calls:
        asked = CliRunner().invoke(app, [*command.split(), "--help"])
        assert asked.exit_code == 0, command
        for flag in re.findall(r"(?<!\S)--[a-z-]+", rest):
            assert re.search(rf"{flag}\b", asked.output), f"hatrick {command} has no {flag}"
