from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reports.doc_tables import first_sample_table, main, ratio_table, with_tables
from reports.frame import to_frame
from reports.runfile import Run, RunWriter
from reports.schema import Record

DOCS = Path(__file__).parents[2] / "docs"
HEAD = "<!-- ratio: run.jsonl allocator system kept -->"


@pytest.fixture
def records(record: Callable[..., Record]) -> list[Record]:
    """Two attentions with both allocators, the system's twice as slow, and one with one alone."""
    both = [
        record(
            "hatrick",
            4096,
            median_ms=ms * scale,
            allocator=allocator,
            chunk_size=chunk,
            latency={"samples_ms": [ms * scale] * 20, "visits": [4] * 5},
        )
        for chunk, scale in ((64, 1.0), (128, 3.0))
        for allocator, ms in (("kept", 10.0), ("system", 20.0))
    ]
    return [*both, record("full", 4096, median_ms=5.0, allocator="kept")]


def test_points_that_differ_in_the_field_alone_stand_side_by_side(
    records: list[Record], run: Callable[..., Run]
) -> None:
    lines = ratio_table(to_frame([run(records)]), "allocator", "system", "kept").splitlines()
    assert lines[0] == "| T | attention | chunk | system | kept | system / kept |"
    assert [line.split(" | ")[2:5] for line in lines[2:]] == [
        ["64", "20.0 ms", "10.0 ms"],
        ["128", "60.0 ms", "30.0 ms"],
    ]
    assert all("2.00 (" in line for line in lines[2:])


def test_the_first_sample_of_a_visit_is_held_against_the_others(
    record: Callable[..., Record], run: Callable[..., Run]
) -> None:
    slow = record(
        "lsh",
        4096,
        median_ms=300.0,
        latency={"samples_ms": [330.0, 300.0, 300.0] * 5, "visits": [3] * 5},
    )
    fast = record("hatrick", 4096, median_ms=10.0)
    lines = first_sample_table(to_frame([run([slow, fast])]), "250").splitlines()
    assert lines[2:] == ["| 4k | lsh | 64 | kept | 300 ms | 5 | 1.100 |"]


def test_a_document_keeps_all_but_its_tables(
    records: list[Record], environment: Callable[..., object], tmp_path: Path
) -> None:
    with RunWriter(tmp_path / "run.jsonl", environment()) as writer:  # type: ignore[arg-type]
        for each in records:
            writer.write(each)
    document = tmp_path / "page.md"
    document.write_text(f"Before.\n\n{HEAD}\nold numbers\n<!-- end -->\n\nAfter.\n")
    main([str(document)])
    text = document.read_text()
    assert text.startswith(f"Before.\n\n{HEAD}\n")
    assert text.endswith("<!-- end -->\n\nAfter.\n")
    assert "old numbers" not in text
    assert text.count("2.00 (") == 2
    assert with_tables(document) == text


@pytest.mark.parametrize("document", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_the_tables_of_this_projects_documents_are_as_their_runs_have_them(document: Path) -> None:
    assert with_tables(document) == document.read_text("utf-8"), "make docs writes them"
