from __future__ import annotations

import importlib.metadata
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from bench.gate import plugins as module
from bench.gate.plugins import Plugin, holds, is_installed, sort_out


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    for name in ("mine.py", "src/package/__init__.py", "src/package/part.py", "sub/below.py"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("")
    return tree


def test_files_in_the_tree_are_told_from_those_elsewhere(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "far.py").write_text("")
    (tmp_path / "link").symlink_to(tree)
    (tree / "linked.py").symlink_to(tmp_path / "far.py")
    asked = ["below.py", "../mine.py", str(tmp_path / "link/mine.py"), "../linked.py",
             "../../far.py"]  # fmt: skip
    found = sort_out(asked, tree, tree / "sub").listed
    assert [(plugin.name, plugin.in_tree) for plugin in found] == [
        ("sub/below.py", True),
        ("mine.py", True),
        ("mine.py", True),
        ("linked.py", True),
        (str(tmp_path / "far.py"), False),
    ]


def test_modules_are_in_the_tree_where_its_folders_hold_them(tree: Path) -> None:
    found = sort_out(["package.part", "mine", "below", "json", "variants.peers"], tree, tree)
    assert {plugin.name: plugin.in_tree for plugin in found.listed} == {
        "package.part": True,
        "mine": True,
        "below": False,  # of `sub`, which is no folder that is looked in from here
        "json": False,
        "variants.peers": False,
    }
    assert sort_out(["below"], tree, tree / "sub").listed[0].in_tree


def test_a_module_is_found_wherever_python_finds_it_in_the_tree(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "python" / "odd_place").mkdir(parents=True)
    (tree / "python" / "odd_place" / "__init__.py").write_text("raise ImportError('not asked')")
    monkeypatch.syspath_prepend(str(tree / "python"))
    found = sort_out(["odd_place"], tree, tree)
    assert found.listed[0].in_tree
    assert found.roots_in(tree)[0] == tree / "python"
    assert "odd_place" not in sys.modules


def test_another_state_of_the_tree_has_its_own_or_none(tree: Path, tmp_path: Path) -> None:
    other, packages = tmp_path / "other", tmp_path / "packages"
    (other / "lib").mkdir(parents=True)
    (other / "mine.py").write_text("")
    (other / "lib" / "package.py").write_text("")
    (packages / "variants" / "peers").mkdir(parents=True)
    (packages / "variants" / "peers" / "__init__.py").write_text("")
    roots = [packages, other / "lib"]

    def of(name: str, *, is_file: bool, in_tree: bool) -> str | None:
        return Plugin(name, is_file, in_tree).of(other, roots)

    assert of("mine.py", is_file=True, in_tree=True) == str(other / "mine.py")
    assert of("sub/below.py", is_file=True, in_tree=True) is None
    assert of("/far.py", is_file=True, in_tree=False) == "/far.py"
    assert of("package", is_file=False, in_tree=True) == "package"
    assert of("package.part", is_file=False, in_tree=True) is None
    assert of("json", is_file=False, in_tree=False) == "json"
    assert of("variants.peers", is_file=False, in_tree=False) == "variants.peers"
    assert of("variants.rivals", is_file=False, in_tree=False) is None
    assert Plugin("mine.py", is_file=True, in_tree=True).of(None, roots) is None


def test_a_package_that_registers_by_an_entry_point_is_in_the_tree(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not sort_out([], tree, tree).any_in_tree
    points = [EntryPoint("p", "package.part:Layer", module.ENTRY_POINT_GROUP)]
    points += [EntryPoint("j", "json", module.ENTRY_POINT_GROUP)]
    monkeypatch.setattr(module, "entry_points", lambda *, group: points)
    found = sort_out([], tree, tree)
    assert found.entries == ("package.part",)
    assert found.any_in_tree


def test_folders_are_searched_only_for_plugins_that_lie_in_the_tree(tree: Path) -> None:
    assert sort_out(["json", "/far.py", "variants.peers"], tree, tree).roots_in(tree) == []
    assert sort_out(["mine.py"], tree, tree).roots_in(tree) == [tree, tree / "src"]
    (tree / "src").rename(tree / "source")
    assert sort_out(["mine.py"], tree, tree).roots_in(tree) == [tree]


def test_an_environment_in_the_tree_is_no_part_of_it() -> None:
    numpy = importlib.metadata.distribution("numpy").locate_file("numpy/__init__.py")
    assert is_installed(Path(str(numpy)).resolve())
    assert not is_installed(Path(module.__file__).resolve())


def test_a_folder_without_an_init_is_no_module(tree: Path) -> None:
    assert holds(tree / "src", "package")
    assert not holds(tree, "sub")
