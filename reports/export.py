"""What a report can be besides a page: a table in a file, text, and the charts as images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from reports.frame import flat
from reports.markdown import plain, table
from reports.models import findings
from reports.models.catalogue import TABLES
from reports.tables import markdown as summary


def to_markdown(frame: pd.DataFrame) -> str:
    """What a frame of `reports.load` says, as Markdown: the most important findings, the summary
    with what failed, and what the models say."""
    parts = [findings_list(frame) + "\n", summary(frame)]
    for model in TABLES:
        content = model.make(frame) if model.part else pd.DataFrame()
        if not content.empty:
            parts.append(f"### {model.heading}\n\n{model_table(content)}\n")
    return "\n".join(parts)


def findings_list(frame: pd.DataFrame) -> str:
    """The most important findings of a frame, as a list in Markdown."""
    return "\n".join(f"* {plain(found.text)}" for found in findings.findings(frame))


def model_table(content: pd.DataFrame) -> str:
    """A table of `reports.models` in Markdown; of the settings only where there are several."""
    several = "setting" in content and content["setting"].nunique() > 1
    shown = content.drop(columns=["rows"] if several else ["rows", "setting"], errors="ignore")
    return table(list(shown.columns), shown.to_numpy().tolist(), words=shown.columns)


def to_csv(frame: pd.DataFrame) -> str:
    """A frame of `reports.load` as CSV: the columns of `reports.flat`, a line a point.

    Floats have as many digits as it takes to read them back equal. CSV knows no missing value: it
    is an empty cell, as an empty text is.
    """
    text: str = flat(frame).to_csv(index=False, lineterminator="\n")
    return text


def write_parquet(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a frame of `reports.load` as Parquet: the columns of `reports.flat` with their types.

    Args:
        path: where to write; an existing file is replaced, folders are made.

    Raises:
        OSError: it cannot be written; what was there before is left as it was.
    """
    with replacing(Path(path)) as file:
        flat(frame).to_parquet(file, index=False)
    return Path(path)


def write_text(text: str, path: str | os.PathLike[str]) -> Path:
    """Write text; arguments and errors as `write_parquet`."""
    with replacing(Path(path)) as file:
        file.write_bytes(text.encode())
    return Path(path)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file beside `path` that takes its place at the end, unless something went wrong.

    A file that a full disk or Ctrl-C cut off would look like a whole one. A link keeps leading
    where it leads. What is no file, such as /dev/null or a pipe, is written into, never replaced.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        yield path
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
