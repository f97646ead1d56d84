"""Reads what a gate found from its JSON file, or says what is wrong with that file."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError

from reports.gate.result import Result

EXPECTED = "a gate's result is one JSON object, as `hatrick gate` writes it to result.json"


class ResultFileError(ValueError):
    """A file that cannot be read as a gate's result."""


def read_result(path: str | os.PathLike[str]) -> Result:
    """Read what `Result.model_dump_json` wrote.

    Raises:
        ResultFileError: there is no such file, it is empty or cut off, or it is no gate's result.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ResultFileError(f"{path}: cannot be read ({error.strerror}); {EXPECTED}") from error
    if not content.strip():
        raise ResultFileError(f"{path}: the file is empty; {EXPECTED}")
    try:
        return Result.model_validate_json(content)
    except ValidationError as error:
        raise ResultFileError(f"{path}: {_why(content, error)}; {EXPECTED}") from error


def _why(content: bytes, error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        found = str(first["ctx"]["error"])
        # The parser's words for a text that ends inside of an object, a list or a string.
        is_cut = found.startswith("EOF")
        return f"cut off after {len(content)} bytes" if is_cut else f"no JSON ({found})"
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])
