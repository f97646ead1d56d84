"""Tables in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, words: Iterable[str]) -> str:
    """A table; cells are shown as they are.

    Args:
        words: the headers of the columns that hold words: they are aligned to the left, and
            numbers to the right.
    """
    left = set(words)
    lines = [
        [plain(header) for header in headers],
        ["---" if header in left else "--:" for header in headers],
        *([plain(cell) for cell in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def plain(text: str) -> str:
    """Text that Markdown shows as it is: on one line, no cell border, no markup of its own."""
    # An underscore within a word is no markup in GitHub's Markdown, and reads better as it is.
    return re.sub(r"[\\|<>`*\[\]]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", " ".join(text.split()))
