"""What makes a measurement one of these sources and this software, and no other's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import torch

from hatrick.chunk_size.profile import Software
from hatrick.devices import driver

DIGITS = 12
PACKAGE = Path(__file__).resolve().parents[1]
COMPUTE_NOTHING = ("chunk_size", "profiles", "devices.py", "pytest_plugin.py")
"""Files and folders of `hatrick` that no attention runs through."""


def code_identity(more: Iterable[Path] = ()) -> str:
    """Digest of the sources that compute HATrick, and of `more` files: 12 hex digits, equal only
    where every byte of them is.

    Args:
        more: what a variant is made of besides, by names and contents; where they lie does not
            matter, and those that are no longer there are left out.
    """
    return _digest(tuple(sorted({path.resolve() for path in more if path.is_file()})))


@lru_cache
def _digest(more: tuple[Path, ...]) -> str:
    own = [
        path
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in COMPUTE_NOTHING
    ]
    digest = hashlib.sha256()
    for path in own:
        digest.update(f"{path.relative_to(PACKAGE)}\0".encode() + path.read_bytes())
    for name, content in sorted((path.name, path.read_bytes()) for path in more):
        digest.update(f"{name}\0".encode() + content)
    return digest.hexdigest()[:DIGITS]


def software(device: torch.device, code: str) -> Software:
    """What is measured with, or chosen for, in this process.

    Args:
        code: by `code_identity`.
    """
    return Software(driver=driver(device), torch=str(torch.__version__), code=code)
