from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.gate.overlay import HARNESS, has_packages, lay
from bench.spec import SpecError


@pytest.fixture
def packages(tmp_path: Path, copy_packages: Callable[[Path], Path]) -> Path:
    folder = tmp_path / "packages"
    folder.mkdir()
    return copy_packages(folder)


def test_this_projects_packages_are_known(packages: Path) -> None:
    assert has_packages(HARNESS)
    assert has_packages(packages)


@pytest.mark.parametrize(
    "missing", ["hatrick/module.py", "variants/registry.py", "variants/interface.py"]
)
def test_a_folder_that_lacks_a_part_is_not_taken_for_them(packages: Path, missing: str) -> None:
    (packages / missing).unlink()
    assert not has_packages(packages)


def test_folders_that_happen_to_be_called_so_are_not_taken_for_them(tmp_path: Path) -> None:
    for name in ("hatrick/module.py", "variants/registry.py", "variants/interface.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("# another project\n")
    assert not has_packages(tmp_path)


def test_packages_are_copied_as_they_were_and_the_harness_is_linked(
    packages: Path, tmp_path: Path
) -> None:
    (packages / "variants" / "__pycache__").mkdir()
    lay(tmp_path / "code", packages)
    (packages / "variants" / "full.py").write_text("an edit while the gate runs")
    copied = tmp_path / "code" / "variants"
    assert (copied / "full.py").read_bytes() == (HARNESS / "variants/full.py").read_bytes()
    assert not (copied / "__pycache__").exists()
    assert (tmp_path / "code" / "bench").resolve() == HARNESS / "bench"
    assert (tmp_path / "code" / "reports").resolve() == HARNESS / "reports"


def test_what_plugins_import_is_linked_and_stands_before_nothing_else(
    packages: Path, tmp_path: Path
) -> None:
    root, source = tmp_path / "root", tmp_path / "root" / "src"
    for name in ("src/mine/__init__.py", "src/both.py", "bench/__init__.py", "variants/a.py",
                 "random.py", "typing/a", ".git/config", "mine.egg-info/PKG-INFO", "both.py",
                 "data/table"):  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
    lay(tmp_path / "code", packages, [root, source])
    links = {path.name: path.resolve() for path in (tmp_path / "code").iterdir()}
    assert links.pop("hatrick") == tmp_path / "code" / "hatrick"
    assert links.pop("variants") == tmp_path / "code" / "variants"
    assert links == {
        "bench": HARNESS / "bench",
        "reports": HARNESS / "reports",
        "both.py": root / "both.py",
        "data": root / "data",
        "mine": source / "mine",
        "src": source,
    }


def test_what_cannot_be_copied_is_a_sentence(packages: Path, tmp_path: Path) -> None:
    (packages / "variants" / "dangling.py").symlink_to("nowhere")
    with pytest.raises(SpecError, match=r"cannot be copied to .*code.*dangling.*can be read"):
        lay(tmp_path / "code", packages)
