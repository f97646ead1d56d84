"""What a gate leaves behind: files for people, for CI, and for the next tool."""

from __future__ import annotations

import os
from pathlib import Path

from bench.gate.compare import Compared
from bench.gate.runfiles import NAMES, write_runs
from bench.spec import SpecError
from reports.export import write_text
from reports.gate.junit import to_junit
from reports.gate.markdown import to_markdown
from reports.gate.page import write_gate_page
from reports.runfile import read_run

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""Environment variable: the file whose Markdown GitHub shows on the page of a workflow's run."""


def check_free(folder: Path) -> None:
    """Make sure, before anything is measured, that a gate's files can be written.

    Raises:
        SpecError: they cannot, or a run file would be overwritten.
    """
    for name in NAMES.values():
        if (path := folder / f"{name}.jsonl").exists():
            raise SpecError(f"{path} exists and is never overwritten; choose another --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".writable").touch()
        (folder / ".writable").unlink()
    except OSError as error:
        raise SpecError(f"--out {folder} cannot be written ({error.strerror})") from None


def write_outputs(compared: Compared, folder: Path, *, strict: bool) -> Path:
    """Write `result.json`, `gate.md`, `junit.xml`, `page.html` and the run files of both sides, and
    add the Markdown to the summary of a GitHub workflow's step, if this is one.

    Returns:
        The page.

    Raises:
        OSError: a file cannot be written.
    """
    result = compared.result
    write_text(result.model_dump_json(indent=1) + "\n", folder / "result.json")
    runs = write_runs(compared.both, compared.environments, folder)
    markdown = to_markdown(result)
    write_text(markdown, folder / "gate.md")
    write_text(to_junit(result, strict=strict), folder / "junit.xml")
    page = write_gate_page(result, [read_run(path) for path in runs], folder / "page.html")
    if summary := os.environ.get(STEP_SUMMARY):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(f"{markdown}\n")
    return page
