"""Which plug-ins a state of a working tree has, and where their modules are imported from."""

from __future__ import annotations

import os
import site
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from bench.gate.overlay import MEASURED, MEASURING
from variants.registry import ENTRY_POINT_GROUP, is_plugin_file


@dataclass(frozen=True)
class Plugin:
    """A file or module that registers variants."""

    name: str
    """As `variants.load_plugin` takes it; of a file in the tree, its path in it."""
    is_file: bool
    in_tree: bool
    """It comes from the working tree. Else it is the same on both sides."""

    def of(self, tree: Path | None, roots: Sequence[Path]) -> str | None:
        """The same plug-in of another state of the tree; None if that does not have it.

        Args:
            tree: where that state lies; None where it is packages alone.
            roots: folders that its modules are imported from.
        """
        if self.is_file and self.in_tree:
            file = None if tree is None else tree / self.name
            return str(file) if file is not None and file.is_file() else None
        if self.in_tree or self.name.split(".")[0] in MEASURED:
            return self.name if any(holds(root, self.name) for root in roots) else None
        return self.name


@dataclass(frozen=True)
class Plugins:
    """The plug-ins of a comparison, and what of them lies in the working tree."""

    listed: tuple[Plugin, ...]
    """In the order in which they were asked for."""
    entries: tuple[str, ...]
    """Modules in the tree that register by an entry point."""
    roots: tuple[Path, ...]
    """Folders, relative to the tree, that its modules are imported from."""

    @property
    def any_in_tree(self) -> bool:
        """Whether two states of the tree may differ in a plug-in."""
        return bool(self.entries) or any(plugin.in_tree for plugin in self.listed)

    def roots_in(self, tree: Path) -> list[Path]:
        """The folders of a state of the tree that its modules are imported from."""
        if not self.any_in_tree:
            return []
        return [tree / root for root in self.roots if (tree / root).is_dir()]


def sort_out(plugins: Sequence[str], tree: Path, folder: Path) -> Plugins:
    """Tell the plug-ins that lie in a working tree from those that do not.

    Args:
        plugins: as they were asked for, files relative to `folder`.
        tree: root of the working tree.
        folder: a folder in it. Modules are looked for where this Python finds them, in `folder`,
            in the tree, and in the `src` of either.
    """
    named = [plugin for plugin in plugins if not is_plugin_file(plugin)]
    registered = [point.module for point in entry_points(group=ENTRY_POINT_GROUP)]
    usual = [folder, folder / "src", tree, tree / "src"]
    found = [root for name in (*named, *registered) for root in _found_in(name, tree)]
    roots = list(dict.fromkeys([*found, *(root for root in usual if root.is_dir())]))

    def sort(plugin: str) -> Plugin:
        if not is_plugin_file(plugin):
            own = plugin.split(".")[0] in MEASURED
            in_tree = not own and any(holds(root, plugin) for root in roots)
            return Plugin(plugin, is_file=False, in_tree=in_tree)
        # Only its folder is resolved: a link in the tree belongs to the tree, wherever it leads.
        file = Path(os.path.normpath(folder / Path(plugin).expanduser()))
        file = file.parent.resolve() / file.name
        if file.is_relative_to(tree) and not is_installed(file):
            return Plugin(str(file.relative_to(tree)), is_file=True, in_tree=True)
        return Plugin(str(file), is_file=True, in_tree=False)

    entries = [name for name in registered if any(holds(root, name) for root in roots)]
    relative = tuple(root.relative_to(tree) for root in roots)
    return Plugins(tuple(map(sort, plugins)), tuple(entries), relative)


def holds(root: Path, module: str) -> bool:
    """Whether a module, by its dotted name, lies in a folder."""
    path = root.joinpath(*module.split("."))
    return path.with_name(f"{path.name}.py").is_file() or (path / "__init__.py").is_file()


def is_installed(file: Path) -> bool:
    """Whether a file lies where this Python installs things: an environment may itself lie in a
    working tree."""
    places = [sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib")]
    places += site.getsitepackages()
    return any(file.is_relative_to(Path(place).resolve()) for place in places)


def _found_in(module: str, tree: Path) -> Iterator[Path]:
    """The folder that this Python imports a module from, if that is one of the tree's own."""
    top = module.split(".")[0]
    if top in (*MEASURED, *MEASURING):
        return
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):  # a finder that fails, a module without a spec
        return
    if spec is not None and spec.origin is not None:
        origin = Path(spec.origin).resolve()
        root = origin.parent.parent if spec.submodule_search_locations else origin.parent
        if root.is_relative_to(tree) and not is_installed(origin):
            yield root
