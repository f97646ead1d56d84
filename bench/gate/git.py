"""git, asked as a program: what a name means, where a tree begins, what has changed in it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

from bench.spec import SpecError

OF_HOOKS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""Variables by which git tells a hook what it works on; a checkout made with them would be written
into that index."""
FIXED = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_LITERAL_PATHSPECS": "1"}
GRACE_S = 10.0
"""For a git that is told to end to take back what it has half made."""
LONGEST_WORDS = 400
SETTINGS = ("-c", f"core.hooksPath={os.devnull}", "-c", "core.warnAmbiguousRefs=true")
"""A checkout for a comparison is none that anybody's hooks should hear of."""


class GitError(RuntimeError):
    """git refused, or is not there; the message is in its own words."""


class UnknownRef(SpecError):
    """The repository has no such commit; the message says what it has."""


def ask_git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git in a folder, whatever becomes of it.

    Raises:
        GitError: there is no git.
    """
    variables = {name: value for name, value in os.environ.items() if name not in OF_HOOKS}
    command = ["git", "-C", str(folder), *SETTINGS, *arguments]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="surrogateescape",  # a path need not be UTF-8
            env=variables | FIXED,
            start_new_session=True,  # Ctrl-C in a terminal is for the gate to hear
        )
    except OSError:
        raise GitError("there is no git on PATH") from None
    try:
        printed, complaints = process.communicate()
    except BaseException:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=GRACE_S)
        process.kill()
        process.wait()
        raise
    return subprocess.CompletedProcess(command, process.returncode, printed, complaints)


def git(folder: Path, *arguments: str) -> str:
    """What git prints.

    Raises:
        GitError: it refused, or there is none.
    """
    done = ask_git(folder, *arguments)
    if done.returncode != 0:
        words = " ".join(re.sub(r"(?m)^(fatal|error): ", "", done.stderr).split())
        raise GitError(words[:LONGEST_WORDS] or f"git exited with {done.returncode}")
    return done.stdout.strip()


def top_of(folder: Path) -> Path:
    """Root of the working tree that holds a folder.

    Raises:
        GitError: it lies in none, or there is no git.
    """
    return Path(git(folder, "rev-parse", "--show-toplevel")).resolve()


def is_tracked(path: Path) -> bool:
    """Whether git tracks a file, or something in a folder; an installed copy may well lie in
    somebody's checkout, which does not track it."""
    try:
        return bool(git(path.parent, "ls-files", "--", path.name))
    except GitError:
        return False


def state_of(top: Path, parts: Sequence[Path]) -> tuple[str, bool]:
    """Commit of a working tree, and whether its code differs from it.

    Args:
        top: its root.
        parts: files and folders in it in which a file that git does not track is a change too;
            elsewhere results and other things lie about.

    Returns:
        An empty commit where there is none.
    """
    try:
        commit = git(top, "rev-parse", "--verify", "HEAD")
        changes = git(top, "status", "--porcelain", "--untracked-files=no")
        new = git(top, "status", "--porcelain", "--", *map(str, parts)) if parts else ""
    except GitError:
        return "", False
    # Not everybody has told git to ignore what Python compiles.
    return commit, bool(changes) or any("__pycache__" not in line for line in new.splitlines())


def commit_of(repository: Path, name: str) -> str:
    """The commit that a branch, a tag or an expression such as `HEAD~1` names: its full hash.

    Raises:
        UnknownRef: there is none.
        SpecError: it names several, or something that is no commit.
    """
    if name.startswith("-"):
        raise SpecError(
            f"--base {name}: no branch, tag or commit begins with '-'; a folder that does is "
            f"written ./{name}"
        )
    found = ask_git(repository, "rev-parse", "--verify", name)
    if "short object ID" in found.stderr:
        raise SpecError(f"--base {name}: several objects begin so; write more digits")
    if "is ambiguous" in found.stderr:
        listed = git(repository, "for-each-ref", "--format=%(refname)")
        ref = re.split(r"[~^@:]", name)[0]
        ends = (f"/heads/{ref}", f"/tags/{ref}", f"/remotes/{ref}", f"/remotes/{ref}/HEAD")
        full = [each for each in listed.splitlines() if each.endswith(ends)]
        raise SpecError(
            f"--base {name}: this names more than one thing; choose from {', '.join(full)}"
        )
    thing = found.stdout.strip()
    if found.returncode != 0 or not re.fullmatch("[0-9a-f]{40,64}", thing):
        raise UnknownRef(_unknown(repository, name))
    commit = ask_git(repository, "rev-parse", "--verify", f"{thing}^{{commit}}")
    if commit.returncode == 0:
        return commit.stdout.strip()
    # A full hash is read as it stands, whether there is such an object or not.
    kind = ask_git(repository, "cat-file", "-t", thing)
    if kind.returncode != 0:
        raise UnknownRef(_unknown(repository, name))
    raise SpecError(f"--base {name}: that is a {kind.stdout.strip()} and no commit")


def _unknown(repository: Path, name: str) -> str:
    """What to say of a name that git does not know."""
    if not git(repository, "rev-list", "--max-count=1", "--all"):
        return f"--base {name}: the repository {repository} has no commit yet"
    listed = git(repository, "for-each-ref", "--format=%(refname:short)").splitlines()
    alike = [ref for ref in listed if ref.endswith(f"/{name}")]
    alike += get_close_matches(name, listed, n=3)
    hints = []
    if near := list(dict.fromkeys(alike))[:3]:
        hints.append(f"did you mean {' or '.join(near)}?")
    remote, _, branch = name.partition("/")
    if git(repository, "rev-parse", "--is-shallow-repository") == "true":
        depth = git(repository, "rev-list", "--count", "--first-parent", "HEAD")
        hints.append(
            f"this clone is shallow (depth {depth}): fetch more: git fetch --unshallow, or "
            "actions/checkout with fetch-depth: 0"
        )
    elif branch and remote in git(repository, "remote").splitlines():
        hints.append(f"to fetch it: git fetch {remote} {branch}")
    hints.append("a folder is written with a slash, as in ./name")
    what = f"--base {name}: the repository {repository} has no such branch, tag or commit"
    return "; ".join([what, *hints])
