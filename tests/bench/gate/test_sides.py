from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.gate import sides as module
from bench.gate.overlay import HARNESS
from bench.gate.sides import Code, base_code, head_code
from bench.spec import SpecError

Git = Callable[..., str]
Commit = Callable[..., str]
Copy = Callable[[Path], Path]


@pytest.fixture
def plugin_project(tmp_path: Path, commit: Commit) -> Path:
    """A repository of a plug-in at two commits: `new.py` and `package.new` are in the second."""
    folder = tmp_path / "plugins"
    files = {"mine.py": "1", "src/package/__init__.py": "1", "src/package/mine.py": "1"}
    commit(folder, {".gitignore": "__pycache__/\n"} | files)
    commit(folder, {"mine.py": "2", "new.py": "2", "src/package/new.py": "2"})
    return folder


def has(code: Code, file: str) -> bool:
    return (code.path[0] / file).exists()


def test_head_is_the_working_tree_with_its_changes(project: Path, git: Git) -> None:
    head = head_code([], project / "tests")
    assert head.side.name == "working tree"
    assert head.side.commit == git(project, "rev-parse", "HEAD")
    assert not head.side.dirty
    assert not head.lenient
    (project / "variants" / "unsaved.py").write_text("")
    changed = head_code([], project / "tests")
    assert changed.side.dirty
    assert has(changed, "variants/unsaved.py")
    assert not has(head, "variants/unsaved.py"), "each is as the tree was then"


def test_base_is_a_commit_without_the_changes_since(
    project: Path, git: Git, own_temporary_folder: Path
) -> None:
    (project / "variants" / "full.py").write_text("a change that is not in the commit")
    with base_code("HEAD~1", [], project) as base:
        assert base.side.name == "HEAD~1"
        assert base.side.commit == git(project, "rev-parse", "HEAD~1")
        assert not base.side.dirty
        assert base.lenient
        assert not has(base, "variants/changed.py")
        full = base.path[0] / "variants" / "full.py"
        assert full.read_bytes() == (HARNESS / "variants" / "full.py").read_bytes()
        assert (base.path[0] / "bench").resolve() == HARNESS / "bench"
        # Of one length: the size of a process's environment can change how fast it runs.
        assert len(str(base.path)) == len(str(head_code([], project).path))
    assert not any(path.exists() for path in base.path)
    assert len(git(project, "worktree", "list").splitlines()) == 1


def test_the_same_commit_may_be_compared_with_itself(project: Path, git: Git) -> None:
    with base_code("main", [], project) as base:
        assert base.side.commit == head_code([], project).side.commit


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)


def fail() -> None:
    raise ValueError


@pytest.mark.parametrize(
    ("end", "error"), [(interrupt, KeyboardInterrupt), (terminate, SystemExit), (fail, ValueError)]
)
def test_nothing_of_base_outlives_its_block(
    project: Path,
    git: Git,
    own_temporary_folder: Path,
    end: Callable[[], None],
    error: type[BaseException],
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(error), base_code("HEAD~1", [], project):
        end()
    assert list(own_temporary_folder.iterdir()) == []
    assert len(git(project, "worktree", "list").splitlines()) == 1
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_a_killed_gate_left_goes_before_anything_else(
    project: Path, git: Git, own_temporary_folder: Path
) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    tree = own_temporary_folder / f"hatrick-gate-{dead.pid}-abc" / "tree"
    git(project, "worktree", "add", "--quiet", "--detach", str(tree))
    with base_code("HEAD~1", [], project):
        assert not tree.parent.exists()
        assert len(git(project, "worktree", "list").splitlines()) == 2


def test_a_folder_may_be_base(project: Path, git: Git, tmp_path: Path, copy_packages: Copy) -> None:
    git(tmp_path, "clone", "--quiet", str(project), "clone")
    git(tmp_path / "clone", "checkout", "--quiet", "HEAD~1")
    (tmp_path / "clone" / "variants" / "new.py").write_text("")
    with base_code("../clone", [], project) as base:
        assert base.side.commit == git(project, "rev-parse", "HEAD~1")
        assert base.side.dirty
        assert has(base, "variants/new.py")
        assert not has(base, "variants/changed.py")
    (project / "plain").mkdir()
    copy_packages(project / "plain")
    with base_code("./plain", [], project) as base:
        assert (base.side.commit, base.side.dirty) == ("", False), "git does not track it"
        assert not has(base, "variants/changed.py")


def test_a_name_of_a_ref_and_a_folder_is_the_ref(project: Path, copy_packages: Copy) -> None:
    (project / "main").mkdir()
    copy_packages(project / "main")
    with base_code("main", [], project) as base:
        assert has(base, "variants/changed.py")
    with base_code("./main", [], project) as base:
        assert not has(base, "variants/changed.py")
    (project / "main").rename(project / "folder")
    with base_code("folder", [], project) as base:
        assert not has(base, "variants/changed.py")


def test_a_release_is_installed_and_gone_again(
    project: Path, copy_packages: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def install(requirement: str, folder: Path) -> None:
        asked.append(requirement)
        folder.mkdir()
        copy_packages(folder)

    monkeypatch.setattr(module, "install_release", install)
    (project / "mine.py").write_text("")
    with base_code("hatrick-bench==0.1.0", ["mine.py", "json"], project) as base:
        assert asked == ["==0.1.0"]
        assert not has(base, "variants/changed.py")
        assert base.plugins == ("json",), "a release has no file of this tree"
    assert not base.path[0].exists()


def test_the_installed_copy_may_be_base(
    project: Path, tmp_path: Path, copy_packages: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site-packages"
    site.mkdir()
    copy_packages(site)
    asked = []
    monkeypatch.setattr(module, "installed", lambda tree: asked.append(tree) or site)
    with base_code("installed", [], project / "tests") as base:
        assert asked == [project]
        assert base.side.name == "installed"
        assert not has(base, "variants/changed.py")


def test_plugins_of_a_project_come_from_each_side(plugin_project: Path, tmp_path: Path) -> None:
    (tmp_path / "far.py").write_text("")
    asked = ["new.py", "mine.py", "package.mine", "package.new", "json", "../far.py"]
    head = head_code(asked, plugin_project)
    far = str(tmp_path / "far.py")
    own = [str(plugin_project / name) for name in ("new.py", "mine.py")]
    assert head.plugins == (*own, "package.mine", "package.new", "json", far)
    assert (head.path[0] / "package").resolve() == plugin_project / "src" / "package"
    with base_code("HEAD~1", asked, plugin_project) as base:
        mine, *others = base.plugins
        assert Path(mine).read_text() == "1"
        assert others == ["package.mine", "json", far], "base has no new.py and no package.new"
        assert (base.path[0] / "package" / "mine.py").read_text() == "1"
        # Both use the same attentions beside them.
        for side in (base, head):
            copied = side.path[0] / "variants" / "registry.py"
            assert copied.read_bytes() == (HARNESS / "variants" / "registry.py").read_bytes()
        assert base.not_from == plugin_project


def test_a_new_plugin_makes_head_dirty_and_other_files_do_not(plugin_project: Path) -> None:
    (plugin_project / "results").write_text("")
    assert not head_code(["mine.py", "package.mine"], plugin_project).side.dirty
    (plugin_project / "src" / "package" / "unsaved.py").write_text("")
    assert head_code(["package.mine"], plugin_project).side.dirty
    (plugin_project / "unsaved.py").write_text("")
    assert head_code(["unsaved.py"], plugin_project).side.dirty


def test_folders_that_happen_to_be_called_hatrick_are_no_packages_of_ours(
    plugin_project: Path, commit: Commit
) -> None:
    commit(plugin_project, {"hatrick/module.py": "", "variants/registry.py": "x"})
    head = head_code(["mine.py"], plugin_project)
    assert has(head, "variants/full.py")
    assert (head.path[0] / "variants" / "registry.py").read_text() != "x"


@pytest.mark.parametrize("plugin", ["no.py", "variants.no"])
def test_a_plugin_that_head_lacks_is_a_mistake(plugin_project: Path, plugin: str) -> None:
    with pytest.raises(SpecError, match=f"--plugin {plugin}: there is no such file or module"):
        head_code([plugin], plugin_project)


def test_a_base_from_before_the_packages_is_refused(project: Path, git: Git) -> None:
    git(project, "checkout", "--quiet", "--orphan", "old")
    git(project, "rm", "-r", "--quiet", "--cached", "hatrick", "variants")
    git(project, "commit", "--quiet", "--message=before")
    git(project, "checkout", "--quiet", "--force", "main")
    words = "has no packages hatrick and variants"
    with pytest.raises(SpecError, match=words), base_code("old", [], project):
        pass


def test_two_sides_between_which_nothing_could_differ_are_refused(plugin_project: Path) -> None:
    words = "nothing there could differ"
    with pytest.raises(SpecError, match=words), base_code("HEAD~1", ["json"], plugin_project):
        pass


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere", "has no such branch"),
        ("./nowhere", "nowhere is no folder"),
        ("--help", "begins with '-'"),
        ("", "--base is empty"),
    ],
)
def test_a_base_that_is_not_there_is_a_sentence(
    project: Path, own_temporary_folder: Path, name: str, words: str
) -> None:
    with pytest.raises(SpecError, match=words), base_code(name, [], project):
        pass
    assert list(own_temporary_folder.iterdir()) == []


def test_outside_of_a_repository_folders_serve_and_refs_do_not(
    tmp_path: Path, git: Git, project: Path
) -> None:
    shutil.move(project / ".git", tmp_path / "git-is-away")
    assert head_code([], project).side.commit == ""
    words = r"not a git repository.*call this in the repository"
    with pytest.raises(SpecError, match=words), base_code("HEAD~1", [], project):
        pass
    shutil.copytree(project, tmp_path / "older")
    with base_code("../older", [], project) as base:
        assert has(base, "variants/changed.py")
    (project / "older").symlink_to(tmp_path / "older")
    with base_code("older", [], project) as base:
        assert has(base, "variants/changed.py")


def test_without_git_folders_serve(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    words = "there is no git on PATH"
    with pytest.raises(SpecError, match=words), base_code("main", [], project):
        pass
    with base_code(".", [], project) as base:
        assert has(base, "variants/changed.py")
        assert base.not_from is None, "it is the very same tree"
