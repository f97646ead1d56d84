"""Runs the shell steps of workflows and actions as a hosted runner does, in a scratch checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "A. Author"), ("EMAIL", "author@example.org"))
}
Step = Mapping[str, Any]


def read_yaml(text: str) -> Any:
    """YAML 1.2, as GitHub reads it: the key `on` is a word and not a truth value."""
    return YAML(typ="safe").load(text)


def fits_schema(file: Path, schema: str) -> None:
    """Hold a file against one of the published schemas that check-jsonschema brings."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, file]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def git(*arguments: str, cwd: Path) -> str:
    """What git answers. Settings of the user and of the machine are left out."""
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-c", "init.defaultBranch=main", *arguments]
    environment = {**os.environ, **AUTHOR, **alone}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(folder: Path, message: str) -> str:
    """Commit all that is in a folder, and name the commit."""
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--allow-empty", "--message", message, cwd=folder)
    return git("rev-parse", "HEAD", cwd=folder)


def copy_project(folder: Path) -> None:
    """Copy what a checkout of the working tree would have, new files included."""
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():  # and not deleted since
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


@dataclass(frozen=True)
class Runner:
    """A runner with a checkout.

    Attributes:
        checkout: where steps run.
        temp: the runner's own folder, which outlives no job.
        context: what else the event sets: `GITHUB_BASE_REF`, say.
    """

    checkout: Path
    temp: Path
    context: Mapping[str, str]

    @property
    def summary(self) -> Path:
        """What steps wrote for the page of the job."""
        return self.temp / "summary.md"

    def run(
        self, step: Step, inputs: Mapping[str, str] | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one step.

        Args:
            inputs: of the action that the step is in.
            environment: what earlier steps, or the test, set.
        """
        self.temp.mkdir(exist_ok=True)
        script = self.temp / "step.sh"
        script.write_text(step["run"])
        given = {name: filled(value, inputs or {}) for name, value in step.get("env", {}).items()}
        flags = ["--noprofile", "--norc", "-eo", "pipefail"] if "shell" in step else ["-e"]
        return subprocess.run(
            ["bash", *flags, script],
            cwd=self.checkout,
            env={**self._environment(), **given, **environment},
            capture_output=True,
            text=True,
        )

    def _environment(self) -> dict[str, str]:
        # A registry or index that this machine is set up for is none of a runner's business.
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "GITHUB_"))}
        return kept | {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_BASE_REF": "",
            "GITHUB_SHA": git("rev-parse", "HEAD", cwd=self.checkout),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_WORKSPACE": str(self.checkout),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "RUNNER_TEMP": str(self.temp),
            **self.context,
        }


def filled(value: str, inputs: Mapping[str, str]) -> str:
    """A value of `env`, its expression (an input, or none at all) evaluated."""
    found = re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", value)
    assert found or "${{" not in value, f"this runner evaluates inputs only, not {value}"
    return inputs[found[1]] if found else value


def install_hatrick(program: Path, source: Path, **more: Sequence[str]) -> None:
    """Put the command `hatrick` where a step calls it, run from `source` with this Python.

    Args:
        program: file to make.
        source: root of the code.
        more: by sub-command, flags put behind those of the step: they make what it measures small.
    """
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        f"sys.path.insert(0, {str(source)!r})\n"
        f"sys.argv += {dict(more)!r}.get(sys.argv[1], [])\n"
        "from bench.cli import main\n"
        "main()\n"
    )
    program.chmod(0o755)
