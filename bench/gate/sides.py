"""The two sides of a comparison: where the code of each comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.gate.git import GitError, UnknownRef, commit_of, is_tracked, state_of, top_of
from bench.gate.overlay import HARNESS, has_packages, lay
from bench.gate.places import RELEASE, install_release, installed, is_site_packages, packages_in
from bench.gate.plugins import Plugins, sort_out
from bench.gate.scratch import scratch, scratch_until_exit
from bench.gate.signals import sigterm_ends_orderly
from bench.gate.worktree import checked_out, remove_left_behind
from bench.spec import SpecError
from reports.gate.result import Side

OVERLAY = "code"
"""Name of the overlay in its scratch folder: of one length for both sides, as the whole path is,
for the size of a process's environment can change how fast it runs."""
HEAD = "working tree"


@dataclass(frozen=True)
class Code:
    """The code of one side, as its worker processes see it."""

    side: Side
    path: tuple[Path, ...]
    """Folders put first on PYTHONPATH of the workers."""
    plugins: tuple[str, ...]
    """Plug-in files (absolute paths into that side) or module names."""
    lenient: bool = False
    """What it does not know is left out and no mistake: base may be older than what is asked."""
    not_from: Path | None = None
    """The other side's tree: a module that comes from it would be compared with itself."""


@dataclass(frozen=True)
class _Tree:
    """The working tree that a gate is called in."""

    top: Path
    """Root of the repository; without one, the folder that the gate is called in."""
    is_repository: bool
    home: Path | None
    """Folder of `hatrick` and `variants`, relative to `top`; None: the tree is a plug-in's."""
    plugins: Plugins


@dataclass(frozen=True)
class _Base:
    """What a name led to."""

    side: Side
    top: Path | None
    """The root of another state of the working tree; None for packages alone."""
    packages: Path | None
    """Folder of `hatrick` and `variants`; None: it has none."""


def head_code(plugins: Sequence[str], folder: Path) -> Code:
    """Head: the working tree that holds a folder, as it is now, changes and all.

    `hatrick` and `variants` come from the tree, or, where it has none (a plug-in's project), from
    the harness. What is copied of them is gone when this process ends.

    Args:
        plugins: files, relative to `folder`, and modules by their dotted names.
        folder: the current folder.

    Raises:
        SpecError: the code cannot be copied, or a plug-in file is not there.
    """
    tree = _tree(plugins, folder)
    packages = HARNESS if tree.home is None else tree.top / tree.home
    parts = _parts(tree, tree.top, packages)
    commit, dirty = state_of(tree.top, parts) if tree.is_repository and parts else ("", False)
    overlay = scratch_until_exit() / OVERLAY
    lay(overlay, packages, tree.plugins.roots_in(tree.top))
    return Code(
        side=Side(name=HEAD, commit=commit, dirty=dirty),
        path=(overlay,),
        plugins=_plugins_of(tree, tree.top, packages, all_of_them=True),
    )


@contextmanager
def base_code(name: str, plugins: Sequence[str], folder: Path) -> Iterator[Code]:
    """Base, for as long as the block lasts; nothing of it is left after an error, Ctrl-C or
    SIGTERM. What a gate that was killed has left is removed first.

    A plug-in file or module of the working tree comes from base's state of it, and is left out
    where base does not have it, as a release never does; one from elsewhere is the same on both
    sides.

    Args:
        name: a git ref (`main`, `v1.2`, `HEAD~1`, a commit); a folder (a checkout, a virtual
            environment, a `site-packages`); `installed`; a release (`==0.1.0`). `installed` and
            releases are read so first, then refs, then folders; `./name` is always the folder.
        plugins: files, relative to `folder`, and modules by their dotted names.
        folder: the current folder; its repository is the one that a ref is looked for in.

    Raises:
        SpecError: there is no such base, it cannot be made ready, or nothing in it differs from
            the working tree.
    """
    tree = _tree(plugins, folder)
    with sigterm_ends_orderly(), ExitStack() as stack:
        remove_left_behind(tree.top if tree.is_repository else None)
        place = stack.enter_context(scratch())
        base = _find(name, tree, folder, place, stack)
        if base.packages is None and tree.home is not None:
            raise SpecError(
                f"--base {name}: it has no packages hatrick and variants, which the working tree "
                "has; choose a base that has them"
            )
        if base.packages is None and not tree.plugins.any_in_tree:
            raise SpecError(
                f"--base {name}: nothing there could differ: neither {tree.top} nor the base has "
                "packages hatrick and variants of this project, and no --plugin lies in that tree"
            )
        packages = HARNESS if base.packages is None else base.packages
        overlay = place / OVERLAY
        lay(overlay, packages, [] if base.top is None else tree.plugins.roots_in(base.top))
        apart = base.top is None or not base.top.is_relative_to(tree.top)
        yield Code(
            side=base.side,
            path=(overlay,),
            plugins=_plugins_of(tree, base.top, packages),
            lenient=True,
            not_from=tree.top if apart else None,
        )


def _tree(plugins: Sequence[str], folder: Path) -> _Tree:
    folder = folder.resolve()
    try:
        top, is_repository = top_of(folder), True
    except GitError:
        top, is_repository = folder, False
    inside = [each for each in (folder, *folder.parents) if each.is_relative_to(top)]
    home = next((each for each in inside if has_packages(each)), None)
    return _Tree(
        top=top,
        is_repository=is_repository,
        home=None if home is None else home.relative_to(top),
        plugins=sort_out(plugins, top, folder),
    )


def _find(name: str, tree: _Tree, folder: Path, place: Path, stack: ExitStack) -> _Base:
    """What the name of a base leads to."""
    if name == "installed":
        return _Base(Side(name=name), None, installed(tree.top))
    if release := RELEASE.fullmatch(name):
        install_release(release[1], place / "release")
        return _Base(Side(name=name), None, place / "release")
    path = (folder / Path(name).expanduser()).resolve()
    if not name:
        raise SpecError("--base is empty; give a branch, a commit, a folder or a release")
    if name.startswith(("/", "./", "../", "~")) or name in (".", ".."):
        return _folder(name, path, tree)
    try:
        repository = top_of(folder)
        commit = commit_of(repository, name)
    except GitError as error:
        if path.is_dir():
            return _folder(name, path, tree)
        raise SpecError(
            f"--base {name}: git cannot say what that is ({error}), and {path} is no folder; call "
            "this in the repository, or give --base a folder, `installed` or a release (==VERSION)"
        ) from None
    except UnknownRef:
        if path.is_dir():
            return _folder(name, path, tree)
        raise
    top = stack.enter_context(checked_out(repository, commit, place))
    home = top / (tree.home or "")
    side = Side(name=name, commit=commit)
    return _Base(side, top, home if has_packages(home) else None)


def _folder(name: str, path: Path, tree: _Tree) -> _Base:
    if not path.is_dir():
        raise SpecError(f"--base {name}: {path} is no folder")
    top = None if is_site_packages(path) or (path / "pyvenv.cfg").is_file() else path
    packages = packages_in(path / (tree.home or "")) or packages_in(path)
    parts = _parts(tree, path, packages)
    commit, dirty = state_of(top_of(path), parts) if any(map(is_tracked, parts)) else ("", False)
    return _Base(Side(name=name, commit=commit, dirty=dirty), top, packages)


def _parts(tree: _Tree, top: Path, packages: Path | None) -> list[Path]:
    """Files and folders that are the code of a state of the tree; none where it is elsewhere."""
    listed = tree.plugins.listed
    files = [top / plugin.name for plugin in listed if plugin.is_file and plugin.in_tree]
    found = [file for file in files if file.is_file()]
    if packages is not None and packages.is_relative_to(top):
        return [packages / "hatrick", packages / "variants", *found]
    modules = [plugin.name for plugin in listed if plugin.in_tree and not plugin.is_file]
    names = {name.split(".")[0] for name in (*modules, *tree.plugins.entries)}
    for root in tree.plugins.roots_in(top):
        both = (path for name in sorted(names) for path in (root / name, root / f"{name}.py"))
        found += [path for path in both if path.exists()]
    return found


def _plugins_of(
    tree: _Tree, top: Path | None, packages: Path, *, all_of_them: bool = False
) -> tuple[str, ...]:
    """The plug-ins that a side has; with `all_of_them` it is a mistake to lack one."""
    roots = [packages, *([] if top is None else tree.plugins.roots_in(top))]
    found = {plugin: plugin.of(top, roots) for plugin in tree.plugins.listed}
    if all_of_them and (missing := [plugin.name for plugin, own in found.items() if own is None]):
        raise SpecError(f"--plugin {missing[0]}: there is no such file or module")
    return tuple(own for own in found.values() if own is not None)
