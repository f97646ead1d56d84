from __future__ import annotations

import json
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.gate import places as module
from bench.gate.places import RELEASE, install_release, installed, is_site_packages, packages_in
from bench.spec import SpecError

Copy = Callable[[Path], Path]


def describe(site: Path, direct_url: dict[str, object] | None = None) -> None:
    """What pip writes beside the packages it installs."""
    info = site / "hatrick_bench-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hatrick-bench\nVersion: 0.1.0\n")
    if direct_url is not None:
        (info / "direct_url.json").write_text(json.dumps(direct_url))


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A virtual environment as it lies on the disk; its `site-packages` is still to be made."""
    folder = tmp_path / "environment"
    folder.mkdir()
    (folder / "pyvenv.cfg").write_text("home = /usr/bin\n")
    return folder


def test_packages_are_found_in_a_folder_its_src_and_an_environment(
    tmp_path: Path, environment: Path, copy_packages: Copy
) -> None:
    plain, source = tmp_path / "plain", tmp_path / "checkout" / "src"
    site = environment / "lib" / "python3.12" / "site-packages"
    for folder in (plain, source, site):
        assert packages_in(folder) is None
        folder.mkdir(parents=True)
        copy_packages(folder)
    assert packages_in(plain) == plain
    assert packages_in(tmp_path / "checkout") == source
    assert packages_in(environment) == site
    assert packages_in(site) == site


def test_an_environment_with_an_editable_install_says_what_to_give_instead(
    environment: Path,
) -> None:
    site = environment / "lib" / "python3.12" / "site-packages"
    describe(site, {"url": "file:///a%20tree", "dir_info": {"editable": True}})
    with pytest.raises(SpecError, match="editable mode, from /a tree; give --base that folder"):
        packages_in(environment)


def test_a_folder_that_packages_are_installed_into_is_known(tmp_path: Path) -> None:
    assert not is_site_packages(tmp_path)
    describe(tmp_path)
    assert is_site_packages(tmp_path)
    assert is_site_packages(Path("/usr/lib/python3/dist-packages"))


@pytest.fixture
def only_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder that this Python's packages are looked for in."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(folder))
    monkeypatch.setattr(module.site, "getsitepackages", list)
    monkeypatch.setattr(module.site, "getusersitepackages", lambda: str(folder))
    return folder


def test_the_installed_copy_is_found(only_site: Path, tmp_path: Path, copy_packages: Copy) -> None:
    describe(copy_packages(only_site))
    assert installed(tmp_path) == only_site


def test_an_editable_install_of_another_tree_is_that_tree(
    only_site: Path, tmp_path: Path, copy_packages: Copy
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    copy_packages(tree)
    describe(only_site, {"url": tree.as_uri(), "dir_info": {"editable": True}})
    assert installed(tmp_path) == tree
    with pytest.raises(SpecError, match=r"from .*tree, which is this very tree.*\(==0\.1\.0\)"):
        installed(tree)


def test_nothing_installed_is_a_sentence(only_site: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="is not installed in the environment of"):
        installed(tmp_path)


@pytest.mark.parametrize(
    ("name", "requirement"),
    [
        ("==0.1.0", "==0.1.0"),
        ("hatrick-bench==0.1.0", "==0.1.0"),
        ("HATrick_bench ==0.1.*", "==0.1.*"),
        ("torch==2.0", None),
        ("v0.1.0", None),
    ],
)
def test_what_is_read_as_a_release(name: str, requirement: str | None) -> None:
    found = RELEASE.fullmatch(name)
    assert (found and found[1]) == requirement


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes wheels from, by the user's own settings, and from nowhere else."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.delenv("PIP_CONSTRAINT", raising=False)
    return folder


def write_wheel(index: Path, packages: Path) -> None:
    info = "hatrick_bench-0.1.0.dist-info"
    with zipfile.ZipFile(index / "hatrick_bench-0.1.0-py3-none-any.whl", "w") as wheel:
        for file in sorted(packages.rglob("*.py")):
            wheel.write(file, str(file.relative_to(packages)))
        metadata = "Metadata-Version: 2.1\nName: hatrick-bench\nVersion: 0.1.0\n"
        # --no-deps: there is no such package to be had.
        wheel.writestr(f"{info}/METADATA", metadata + "Requires-Dist: no-such-package\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def test_a_release_is_installed_into_a_folder(
    index: Path, tmp_path: Path, copy_packages: Copy
) -> None:
    (tmp_path / "packages").mkdir()
    write_wheel(index, copy_packages(tmp_path / "packages"))
    install_release("==0.1.0", tmp_path / "release")
    assert packages_in(tmp_path / "release") == tmp_path / "release"


def test_a_release_that_pip_cannot_find_is_a_sentence(index: Path, tmp_path: Path) -> None:
    words = r"--base hatrick-bench==9\.9: pip cannot install it \(No matching distribution"
    with pytest.raises(SpecError, match=words):
        install_release("==9.9", tmp_path / "release")


def test_a_release_of_something_else_is_refused(index: Path, tmp_path: Path) -> None:
    (tmp_path / "packages").mkdir()
    write_wheel(index, tmp_path / "packages")
    with pytest.raises(SpecError, match="has no packages hatrick and variants"):
        install_release("==0.1.0", tmp_path / "release")
