from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.gate import worktree as module
from bench.gate.scratch import PREFIX, scratch
from bench.gate.worktree import checked_out, remove_left_behind
from bench.spec import SpecError

Git = Callable[..., str]
HOLDING = """
import sys, time
from pathlib import Path
from bench.gate.scratch import scratch
from bench.gate.signals import sigterm_ends_orderly
from bench.gate.worktree import checked_out

with sigterm_ends_orderly(), scratch() as place:
    with checked_out(Path(sys.argv[1]), "HEAD", place) as tree:
        print(tree, flush=True)
        time.sleep(60)
"""


@pytest.fixture
def repository(tmp_path: Path, commit: Callable[..., str]) -> Path:
    folder = tmp_path / "repository"
    commit(folder, {"file": "1"})
    commit(folder, {"file": "2"})
    return folder


@pytest.fixture
def hold() -> Callable[[Path], tuple[subprocess.Popen[str], Path]]:
    """Starts a process that holds a worktree of a repository; it, and the worktree."""

    def hold(repository: Path) -> tuple[subprocess.Popen[str], Path]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDING, str(repository)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        tree = Path(process.stdout.readline().strip())
        process.stdout.close()
        assert (tree / "file").read_text() == "2"
        return process, tree

    return hold


def entries(git: Git, repository: Path) -> list[str]:
    lines = git(repository, "worktree", "list", "--porcelain").splitlines()
    return sorted(line for line in lines if line.startswith("worktree "))


def test_a_commit_is_checked_out_detached_and_gone_with_its_entry(
    repository: Path, git: Git
) -> None:
    with scratch() as place:
        with checked_out(repository, git(repository, "rev-parse", "HEAD~1"), place) as tree:
            assert (tree / "file").read_text() == "1"
            assert git(tree, "branch", "--show-current") == ""
            (tree / "file").write_text("a change stops no one")
        assert not tree.exists()
    assert entries(git, repository) == [f"worktree {repository}"]
    assert (repository / "file").read_text() == "2"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_it_is_gone_after_an_error(repository: Path, git: Git, error: type[BaseException]) -> None:
    with pytest.raises(error), scratch() as place, checked_out(repository, "HEAD", place):
        raise error
    assert not place.exists()
    assert entries(git, repository) == [f"worktree {repository}"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)]
)
def test_a_process_that_is_told_to_end_leaves_nothing(
    repository: Path, git: Git, hold: Callable[..., tuple[subprocess.Popen[str], Path]],
    number: signal.Signals, code: int,
) -> None:  # fmt: skip
    process, tree = hold(repository)
    process.send_signal(number)
    assert process.wait(30) == code
    assert not tree.parent.exists()
    assert entries(git, repository) == [f"worktree {repository}"]


def test_what_a_killed_process_left_goes_and_nothing_else(
    repository: Path,
    git: Git,
    tmp_path: Path,
    hold: Callable[..., tuple[subprocess.Popen[str], Path]],
) -> None:
    git(repository, "worktree", "add", "--quiet", str(tmp_path / "mine"))
    git(repository, "worktree", "add", "--quiet", str(tmp_path / "unplugged"))
    shutil.rmtree(tmp_path / "unplugged")  # as if on a disk that is not there now
    living, kept = hold(repository)
    killed, lost = hold(repository)
    killed.kill()
    killed.wait()
    assert lost.exists()
    try:
        remove_left_behind(repository)
        assert not lost.parent.exists()
        assert (kept / "file").exists()
        users = [repository, tmp_path / "mine", tmp_path / "unplugged", kept]
        assert entries(git, repository) == sorted(f"worktree {path}" for path in users)
    finally:
        living.terminate()
        living.wait()


def test_entries_whose_folders_somebody_has_removed_go_too(
    repository: Path, git: Git, hold: Callable[..., tuple[subprocess.Popen[str], Path]]
) -> None:
    process, tree = hold(repository)
    process.kill()
    process.wait()
    shutil.rmtree(tree.parent)
    assert len(entries(git, repository)) == 2
    remove_left_behind(repository)
    assert entries(git, repository) == [f"worktree {repository}"]


def test_another_repository_is_asked_to_forget_its_own(
    repository: Path, git: Git, hold: Callable[..., tuple[subprocess.Popen[str], Path]]
) -> None:
    process, tree = hold(repository)
    process.kill()
    process.wait()
    remove_left_behind(None)
    assert not tree.parent.exists()
    assert entries(git, repository) == [f"worktree {repository}"]


def test_what_is_left_of_a_repository_that_is_gone_goes(
    repository: Path, hold: Callable[..., tuple[subprocess.Popen[str], Path]]
) -> None:
    process, tree = hold(repository)
    process.kill()
    process.wait()
    shutil.rmtree(repository)
    remove_left_behind(None)
    assert not tree.parent.exists()


def test_a_checkout_that_was_cut_short_is_removed(
    repository: Path, git: Git, own_temporary_folder: Path
) -> None:
    """git locks an entry while it is made."""
    dead = subprocess.Popen(["true"])
    dead.wait()
    tree = own_temporary_folder / f"{PREFIX}{dead.pid}-abc" / "tree"
    git(repository, "worktree", "add", "--quiet", "--no-checkout", "--detach", str(tree))
    git(repository, "worktree", "lock", str(tree))
    remove_left_behind(repository)
    assert not tree.exists()
    assert len(entries(git, repository)) == 1


def test_a_worktree_that_cannot_be_made_is_a_sentence_and_leaves_nothing(
    repository: Path, git: Git
) -> None:
    with scratch() as place:
        (place / module.TREE).write_text("in the way")
        words = r"cannot be checked out into .*tree.*already exists.*set TMPDIR"
        with pytest.raises(SpecError, match=words), checked_out(repository, "HEAD", place):
            pass
    assert len(entries(git, repository)) == 1


def test_a_repository_that_cannot_be_written_says_so_in_gits_words(repository: Path) -> None:
    (repository / ".git" / "worktrees").write_text("no folder can be made here")
    words = r"cannot be checked out.*could not create leading directories.*can be written"
    with scratch() as place:
        with pytest.raises(SpecError, match=words), checked_out(repository, "HEAD", place):
            pass
        assert not (place / module.TREE).exists()
