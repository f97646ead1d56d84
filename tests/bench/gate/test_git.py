from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.gate.git import GitError, UnknownRef, ask_git, commit_of, is_tracked, state_of, top_of
from bench.gate.git import git as run
from bench.spec import SpecError

Git = Callable[..., str]
Commit = Callable[..., str]


@pytest.fixture
def repository(tmp_path: Path, commit: Commit) -> Path:
    folder = tmp_path / "repository"
    commit(folder, {"file": "1"})
    commit(folder, {"file": "2"})
    return folder


def test_a_branch_a_tag_an_expression_and_part_of_a_hash_name_a_commit(
    repository: Path, git: Git
) -> None:
    first, second = git(repository, "rev-parse", "HEAD~1"), git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "--annotate", "--message=first", "v1", "HEAD~1")
    git(repository, "update-ref", "refs/remotes/origin/main", "HEAD~1")
    named = {"main": second, "v1": first, "HEAD~1": first, second[:10]: second, first: first}
    for name, commit in (named | {"origin/main": first}).items():
        assert commit_of(repository, name) == commit


@pytest.mark.parametrize("name", ["mian", "^main", "HEAD..main", "HEAD:nowhere", "0" * 40, "main "])
def test_a_name_that_is_no_commit_is_unknown(repository: Path, name: str) -> None:
    with pytest.raises(UnknownRef, match="has no such branch, tag or commit"):
        commit_of(repository, name)


def test_names_that_are_nearly_the_one_given_are_told(repository: Path, git: Git) -> None:
    git(repository, "update-ref", "refs/remotes/origin/develop", "HEAD")
    git(repository, "tag", "v1.0.0")
    with pytest.raises(UnknownRef, match="did you mean main"):
        commit_of(repository, "mian")
    with pytest.raises(UnknownRef, match="did you mean origin/develop"):
        commit_of(repository, "develop")
    with pytest.raises(UnknownRef, match=r"did you mean v1\.0\.0"):
        commit_of(repository, "v1.0.1")


def test_a_branch_that_was_not_fetched_is_told_how(repository: Path, git: Git) -> None:
    git(repository, "remote", "add", "origin", "nowhere")
    with pytest.raises(UnknownRef, match="git fetch origin feature/a"):
        commit_of(repository, "origin/feature/a")


@pytest.mark.parametrize("name", ["--help", "-", "--upload-pack=touch x"])
def test_an_option_is_no_ref(repository: Path, name: str) -> None:
    with pytest.raises(SpecError, match=r"begins with '-'.*written \./-"):
        commit_of(repository, name)


def test_a_name_of_two_things_is_refused_with_their_full_names(repository: Path, git: Git) -> None:
    git(repository, "branch", "twice", "HEAD~1")
    git(repository, "tag", "twice")
    with pytest.raises(SpecError, match="choose from refs/heads/twice, refs/tags/twice"):
        commit_of(repository, "twice~1")
    first = git(repository, "rev-parse", "HEAD~1")
    assert commit_of(repository, "refs/heads/twice") == first


def test_the_beginning_of_several_hashes_is_refused(repository: Path, git: Git) -> None:
    alike: dict[str, list[str]] = {}
    for text in map(str, range(2000)):
        digest = hashlib.sha1(f"blob {len(text)}\0{text}".encode()).hexdigest()
        alike.setdefault(digest[:4], []).append(text)
    start, texts = next((start, texts) for start, texts in alike.items() if len(texts) > 1)
    for text in texts:
        (repository / "blob").write_text(text)
        assert git(repository, "hash-object", "-w", "blob").startswith(start)
    with pytest.raises(SpecError, match="write more digits"):
        commit_of(repository, start)


def test_a_file_is_no_commit(repository: Path) -> None:
    with pytest.raises(SpecError, match="HEAD:file: that is a blob and no commit"):
        commit_of(repository, "HEAD:file")


def test_a_shallow_clone_says_how_deep_it_is(repository: Path, git: Git, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", repository.as_uri(), "shallow")
    full = git(repository, "rev-parse", "HEAD~1")
    for name in ("HEAD~1", full):
        with pytest.raises(UnknownRef) as caught:
            commit_of(tmp_path / "shallow", name)
        assert (
            "this clone is shallow (depth 1): fetch more: git fetch --unshallow, or "
            "actions/checkout with fetch-depth: 0"
        ) in str(caught.value)


def test_a_repository_without_a_commit_says_so(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "--quiet", "empty")
    with pytest.raises(UnknownRef, match="empty has no commit yet"):
        commit_of(tmp_path / "empty", "HEAD")


def test_no_git_is_said_in_words(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(GitError, match="there is no git on PATH"):
        top_of(repository)
    assert state_of(repository, []) == ("", False)
    assert not is_tracked(repository / "file")


def test_a_folder_of_no_repository_is_refused_in_gits_words(tmp_path: Path, git: Git) -> None:
    with pytest.raises(GitError, match="not a git repository"):
        top_of(tmp_path)


def test_the_top_is_found_from_below_and_through_a_link(repository: Path, tmp_path: Path) -> None:
    (repository / "below").mkdir()
    (tmp_path / "link").symlink_to(repository)
    assert top_of(tmp_path / "link" / "below") == repository.resolve()


def test_what_git_tells_a_hook_is_not_passed_on(
    repository: Path, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "--quiet", "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert top_of(repository) == repository.resolve()
    run(repository, "worktree", "add", "--detach", str(tmp_path / "tree"), "HEAD")
    assert not (tmp_path / "index").exists()


def test_no_hook_of_the_repository_runs(repository: Path, tmp_path: Path) -> None:
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    run(repository, "worktree", "add", "--detach", str(tmp_path / "tree"), "HEAD")
    assert (tmp_path / "tree" / "file").read_text() == "2"
    assert not (tmp_path / "ran").exists()


def test_the_state_of_a_tree_tells_changes_of_the_code_from_other_files(
    repository: Path, git: Git, commit: Commit
) -> None:
    head = commit(repository, {"code/a.py": "", "other.py": ""})
    code = repository / "code"
    assert state_of(repository, [code]) == (head, False)
    (repository / "results").write_text("lie about")
    (code / "__pycache__").mkdir()
    (code / "__pycache__" / "a.pyc").write_text("")
    assert state_of(repository, [code]) == (head, False)
    assert state_of(repository, []) == (head, False)
    (code / "b.py").write_text("")
    assert state_of(repository, [code]) == (head, True)
    (code / "b.py").unlink()
    (repository / "other.py").write_text("tracked, and another file of the code may read it")
    assert state_of(repository, [code]) == (head, True)


def test_what_lies_in_a_checkout_need_not_be_tracked(repository: Path, commit: Commit) -> None:
    commit(repository, {"code/a.py": ""})
    (repository / "installed").mkdir()
    (repository / "installed" / "a.py").write_text("")
    assert not is_tracked(repository / "installed")
    assert is_tracked(repository / "file")
    assert is_tracked(repository / "code")


def test_the_answer_of_a_git_that_fails_can_be_looked_at(repository: Path) -> None:
    assert ask_git(repository, "cat-file", "-t", "0" * 40).returncode == 128
