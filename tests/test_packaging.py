"""What is installed is what is here."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]


def test_every_folder_with_code_is_a_package_that_is_installed() -> None:
    tops = [ROOT / name for name in ("hatrick", "variants", "reports", "bench")]
    folders = {path.parent for top in tops for path in top.rglob("*.py")}
    names = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert names == set(SETUPTOOLS["packages"])


def test_every_other_file_is_installed_as_data() -> None:
    data = SETUPTOOLS["package-data"]
    for package in SETUPTOOLS["packages"]:
        folder = ROOT.joinpath(*package.split("."))
        patterns = data.get(package, [])
        kept = {path for pattern in patterns for path in folder.glob(pattern)}
        others = {path for path in folder.iterdir() if path.is_file() and path.suffix != ".py"}
        assert others == kept, package
