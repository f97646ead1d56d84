from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from hatrick.chunk_size import identity
from hatrick.chunk_size.identity import code_identity, software


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the package whose sources count."""
    copy = tmp_path / "hatrick"
    shutil.copytree(identity.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(identity, "PACKAGE", copy)
    identity._digest.cache_clear()
    yield copy
    identity._digest.cache_clear()


def fresh(*more: Path) -> str:
    identity._digest.cache_clear()
    return code_identity(more)


def test_a_copy_elsewhere_is_the_same(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = fresh()
    monkeypatch.undo()
    assert fresh() == copied
    assert len(copied) == 12


@pytest.mark.parametrize("name", ["module.py", "attend.py", "fused.py", "new.py"])
def test_what_computes_is_in_it(package: Path, name: str) -> None:
    before = fresh()
    with (package / name).open("a") as file:
        file.write("\n")
    assert fresh() != before


@pytest.mark.parametrize(
    "name", ["chunk_size/choose.py", "profiles/a.py", "pytest_plugin.py", "devices.py", "a.json"]
)
def test_what_computes_nothing_is_not(package: Path, name: str) -> None:
    before = fresh()
    with (package / name).open("a") as file:
        file.write("\n")
    assert fresh() == before


def test_more_files_count_by_name_and_content_wherever_they_lie(tmp_path: Path) -> None:
    here, there = tmp_path / "mine.py", tmp_path / "there" / "mine.py"
    there.parent.mkdir()
    for path in (here, there):
        path.write_text("x = 1")
    assert fresh(here) == fresh(there) != fresh()
    there.write_text("x = 2")
    assert fresh(here) != fresh(there)
    assert fresh(here.rename(tmp_path / "other.py")) != fresh(there)
    assert fresh(tmp_path / "gone.py") == fresh()


def test_software_is_driver_torch_and_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "driver", lambda device: f"for {device}")
    found = software(torch.device("cpu"), "c0de")
    assert (found.driver, found.torch, found.code) == ("for cpu", torch.__version__, "c0de")
