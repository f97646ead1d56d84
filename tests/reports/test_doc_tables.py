from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reports.doc_tables import first_sample_table, main, ratio_table, with_tables
from reports.frame import to_frame
from reports.operator_table import Operator, Profile
from reports.race import Contender, Heat, Race
from reports.runfile import Run, RunFileError
from reports.runwriter import RunWriter
from reports.schema import Environment, Record

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


def written(tmp_path: Path, text: str) -> str:
    """A document of that text, with its tables made."""
    document = tmp_path / "page.md"
    document.write_text(f"{text}\n<!-- end -->\n")
    return with_tables(document).removeprefix(text).removesuffix("<!-- end -->\n").strip()


@pytest.mark.parametrize(
    ("directive", "line"),
    [
        ("peers: cpu/gone.jsonl full forward=1.0 -- make peers", "`make peers` fills this table."),
        (
            "peers: */gone.jsonl full\n  -- make peers && make docs",
            "`make peers && make docs` fills",
        ),
        ("machine: gone.jsonl -- make peers", "`make peers` fills this line."),
        ("operators: gone.json 5 -- python -m it --out x", "`python -m it --out x` fills"),
    ],
)
def test_a_run_that_is_not_there_leaves_the_command_that_makes_it(
    tmp_path: Path, directive: str, line: str
) -> None:
    assert written(tmp_path, f"<!-- {directive} -->").startswith(f"Not measured. {line}")


def test_a_run_that_is_not_there_and_that_nothing_makes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match=r"gone\.jsonl: cannot be read"):
        written(tmp_path, "<!-- machine: gone.jsonl -->")


def test_a_pattern_has_a_table_for_every_run_that_is_there(
    records: list[Record], environment: Callable[..., Environment], tmp_path: Path
) -> None:
    directive = "<!-- peers: */run.jsonl hatrick:chunk_size=64 -- make peers -->"
    for cpu in ("b", "a"):
        with RunWriter(tmp_path / cpu / "run.jsonl", environment()) as writer:
            for each in (records[0], records[-1]):
                writer.write(each)
        text = written(tmp_path, directive)
        assert text.count("| 4k | forward | full |") == len(list(tmp_path.glob("*/run.jsonl")))
    assert text.index("a/run.jsonl:\n\n| T |") < text.index("b/run.jsonl:\n\n| T |")


def test_the_machine_of_a_run_is_a_sentence_and_a_profile_is_a_table(
    records: list[Record], environment: Callable[..., Environment], tmp_path: Path
) -> None:
    with RunWriter(tmp_path / "run.jsonl", environment()) as writer:
        writer.write(records[0])
    assert "2 cores" in written(tmp_path, "<!-- machine: run.jsonl -->")
    operators = [Operator(name="aten::mm", calls=1, self_ms=2.0, share=1.0)]
    profile = Profile(
        point=records[0].point,
        environment=environment(),
        profiled_calls=1,
        total_ms=2.0,
        operators=operators,
    )
    (tmp_path / "profile.json").write_text(profile.model_dump_json())
    text = written(tmp_path, "<!-- operators: profile.json 3 -- make profile -->")
    assert "| aten::mm | 1 | 2.00 ms | 100% |" in text


@pytest.mark.parametrize("document", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_the_tables_of_this_projects_documents_are_as_their_runs_have_them(document: Path) -> None:
    assert with_tables(document) == document.read_text("utf-8"), "make docs writes them"


def test_findings_and_models_are_those_of_the_run(
    tmp_path: Path, environment: Callable[..., Environment], sweep: Callable[..., list[Record]]
) -> None:
    with RunWriter(tmp_path / "run.jsonl", environment()) as writer:
        for each in sweep():
            writer.write(each)
    document = tmp_path / "page.md"
    document.write_text(
        "<!-- findings: run.jsonl -->\n<!-- end -->\n\n"
        "<!-- model: run.jsonl growth -->\n<!-- end -->\n\n"
        "<!-- model: run.jsonl hold-out -->\n<!-- end -->\n"
    )
    text = with_tables(document)
    assert text.count("\n* ") == 3
    assert "| attention | of | grows as |" in text
    assert "| full | latency |" in text
    assert "| attention | at T | measured | predicted | held |" in text


def test_a_model_that_there_is_not_is_named(
    tmp_path: Path, environment: Callable[..., Environment]
) -> None:
    RunWriter(tmp_path / "run.jsonl", environment()).close()
    document = tmp_path / "page.md"
    document.write_text("<!-- model: run.jsonl gravity -->\n<!-- end -->\n")
    with pytest.raises(ValueError, match=r"no model 'gravity'; choose from growth, crossovers"):
        with_tables(document)


def test_a_tuning_has_its_sentences_its_table_its_regret_and_its_time(
    record: Callable[..., Record], environment: Callable[..., Environment], tmp_path: Path
) -> None:
    noise = (1.0, 1.002, 0.998, 1.001, 0.999)
    sizes = {32: 1.5, 64: 1.0, 128: 1.6}

    def measured(n: int, process: int) -> Record:
        samples = [sizes[n] * by for by in noise for _ in range(3)]
        rounds = [100 * process + at for at in range(5)]
        latency = {"samples_ms": samples, "visits": [3] * 5, "rounds": rounds}
        return record(seq_len=4096, chunk_size=n, median_ms=sizes[n], latency=latency)

    contenders = [
        Contender(
            chunk_size=n,
            outcome="finalist" if n == 64 else "slower",
            rounds_ms=[[ms * by] for by in noise],
        )
        for n, ms in sizes.items()
    ]
    with RunWriter(tmp_path / "tune.jsonl", environment()) as writer:
        one = record(seq_len=4096, chunk_size=None)
        writer.write(
            Race(
                point=one.point,
                contenders=contenders,
                heats=[Heat(rounds_ms={64: [[by] for by in noise * 2]})],
                started_at=one.started_at,
                wall_s=1.0,
            )
        )
        writer.write(measured(64, 0))
    chosen = {"tune": {"chosen": {"4096": {"chunk_size": 64, "how": "tuned"}}}}
    with RunWriter(tmp_path / "verify.jsonl", environment(spec=chosen)) as writer:
        for process in range(2):
            for n in sizes:
                writer.write(measured(n, process))
    said = written(tmp_path, "<!-- tuning: tune.jsonl -->")
    assert said.startswith("* T = 4,096: n = 64; 1.60 times as fast as n = 128;")
    table = written(tmp_path, "<!-- tuning-table: tune.jsonl 4096 -->").splitlines()
    assert [line.split(" | ")[0] for line in table[2:]] == ["| 32", "| 64", "| 128"]
    regret = written(tmp_path, "<!-- regret: verify.jsonl -->")
    assert regret.endswith("The largest regret: tuned 1.000.")
    time = written(tmp_path, "<!-- tuning-time: tune.jsonl verify.jsonl -->")
    assert time.splitlines()[2] == "| 4,096 | 1.50 s | 1.50 s | 100% |"
