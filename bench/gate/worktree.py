"""A commit checked out beside the working tree for as long as it is needed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.gate.git import GitError, ask_git, git
from bench.gate.scratch import is_left_behind, left_behind
from bench.gate.signals import signals_held
from bench.spec import SpecError

TREE = "tree"
"""Name of the worktree in its scratch folder."""


@contextmanager
def checked_out(repository: Path, commit: str, scratch: Path) -> Iterator[Path]:
    """A detached worktree of a repository at a commit, gone at the end of the block.

    Args:
        scratch: a folder of `bench.gate.scratch`; the worktree is made in it.

    Raises:
        SpecError: it cannot be made.
    """
    tree = scratch / TREE
    try:
        try:
            git(repository, "worktree", "add", "--quiet", "--detach", str(tree), commit)
        except GitError as error:
            raise SpecError(
                f"commit {commit[:12]} of {repository} cannot be checked out into {tree}: {error}; "
                "see that the repository can be written, and that there is space there, or set "
                "TMPDIR to another folder"
            ) from None
        yield tree
    finally:
        with signals_held():
            _remove(repository, tree)


def remove_left_behind(repository: Path | None) -> None:
    """Remove the worktrees and scratch folders of gates that were killed, and no others.

    `git worktree prune` would also forget a worktree of the user's on a disk that is not there now.

    Args:
        repository: where entries are looked for whose folders are gone already.
    """
    if repository is not None:
        with suppress(GitError):
            for line in git(repository, "worktree", "list", "--porcelain").splitlines():
                key, _, path = line.partition(" ")
                tree = Path(path)
                if key == "worktree" and tree.name == TREE and is_left_behind(tree.parent):
                    _remove(repository, tree)
    for folder in left_behind():
        # It may be of another repository, which is asked to forget it too.
        if (owner := _repository_of(folder / TREE)) is not None:
            _remove(owner, folder / TREE)
        shutil.rmtree(folder, ignore_errors=True)


def _remove(repository: Path, tree: Path) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    with suppress(GitError):
        # Twice: a checkout that was cut short is locked.
        ask_git(repository, "worktree", "remove", "--force", "--force", str(tree))


def _repository_of(tree: Path) -> Path | None:
    """The git folder that a worktree belongs to."""
    try:
        pointer = (tree / ".git").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return Path(pointer.removeprefix("gitdir: ").strip()).parent.parent
