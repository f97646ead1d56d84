"""The folder that stands first on the path of a side's workers: what of the side they import."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from bench.spec import SpecError

HARNESS = Path(__file__).resolve().parents[2]
"""The folder that holds the running `bench` and `reports`."""
MEASURED = ("hatrick", "variants")
"""Packages that come from the side."""
MEASURING = ("bench", "reports")
"""Packages that are the harness's on either side."""


def has_packages(folder: Path) -> bool:
    """Whether this project's `hatrick` and `variants` lie in a folder; a plug-in's project may well
    have a folder of one of these names."""
    registry = folder / "variants" / "registry.py"
    parts = [folder / "hatrick" / "module.py", folder / "variants" / "interface.py", registry]
    if not all(part.is_file() for part in parts):
        return False
    # What makes a registry this project's: the group of entry points that it reads.
    return b'"hatrick.variants"' in registry.read_bytes()


def lay(overlay: Path, packages: Path, roots: Iterable[Path] = ()) -> None:
    """Fill a folder with what a side's workers import.

    `hatrick` and `variants` are copied, so that an edit while a gate runs cannot mix two states of
    them. `bench` and `reports` are links to the harness, so that no folder of a side that is called
    so stands before them. The rest is links.

    Args:
        packages: folder that holds the side's `hatrick` and `variants`.
        roots: folders of the side that its plug-ins' modules are imported from, the first before
            the others.

    Raises:
        SpecError: something cannot be copied.
    """
    try:
        overlay.mkdir()
        for name in MEASURED:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(packages / name, overlay / name, ignore=ignored)
        for name in MEASURING:
            (overlay / name).symlink_to(HARNESS / name, target_is_directory=True)
        for root in roots:
            for each in sorted(root.iterdir()):
                if not (overlay / each.name).is_symlink() and _may_be_linked(each):
                    (overlay / each.name).symlink_to(each)
    except (OSError, shutil.Error) as error:
        raise SpecError(
            f"the packages in {packages} cannot be copied to {overlay} ({error}); see that they "
            "can be read and that there is space, or set TMPDIR to another folder"
        ) from None


def _may_be_linked(path: Path) -> bool:
    """Whether workers may find it: not where it would stand before a module of Python's own or one
    of the four packages, and no list of an installed package's entry points, which is found where
    it is installed."""
    if path.name in (*MEASURED, *MEASURING) or path.suffix in (".egg-info", ".dist-info"):
        return False
    return not path.name.startswith(".") and path.stem not in sys.stdlib_module_names
