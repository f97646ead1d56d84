"""Git repositories with this project's packages, or a plug-in's, in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.gate.overlay import HARNESS, MEASURED

Git = Callable[..., str]


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where scratch folders are made: no gate that runs beside the tests is seen, or sees them."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """Runs git, as nobody in particular, in a folder."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "nobody")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "nobody@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "no-config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")

    def git(folder: Path, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    return git


@pytest.fixture
def commit(git: Git) -> Callable[..., str]:
    """Writes files into a repository, which is made if it is not there, and commits them."""

    def commit(folder: Path, files: dict[str, str]) -> str:
        if not (folder / ".git").exists():
            folder.mkdir(exist_ok=True)
            git(folder, "init", "--quiet", "--initial-branch=main")
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--allow-empty", "--message=a state")
        return git(folder, "rev-parse", "HEAD")

    return commit


@pytest.fixture
def copy_packages() -> Callable[[Path], Path]:
    """Copies this project's packages into a folder."""

    def copy(folder: Path) -> Path:
        for name in MEASURED:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(HARNESS / name, folder / name, ignore=ignored)
        return folder

    return copy


@pytest.fixture
def project(
    tmp_path: Path, commit: Callable[..., str], copy_packages: Callable[[Path], Path]
) -> Path:
    """A repository of this project at two commits: in the second, `variants` has a `changed.py`."""
    folder = tmp_path / "project"
    folder.mkdir()
    copy_packages(folder)
    commit(folder, {".gitignore": "__pycache__/\n", "tests/empty.py": ""})
    commit(folder, {"variants/changed.py": "STATE = 2\n"})
    return folder
