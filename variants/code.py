"""Of which sources a variant is made."""

from __future__ import annotations

import inspect
from contextlib import suppress
from pathlib import Path

from hatrick.chunk_size.identity import code_identity

HERE = Path(__file__).resolve().parent


def own_code(cls: type) -> str:
    """Digest of the sources of a variant: the packages `hatrick` and `variants`, and the file of
    its class if that is another (a plug-in, or one of `variants.peers`); 12 hex digits."""
    files = set(HERE.glob("*.py"))
    with suppress(TypeError, OSError):  # a class that was typed into a session has no file
        files.add(Path(inspect.getfile(cls)).resolve())
    return code_identity(files)
