"""`hatrick export` as its user types it, on files good and bad."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from bench.export import export
from reports.frame import COLUMNS
from reports.runfile import read_run

RUN = Path(__file__).parents[2] / "docs" / "results" / "cpu" / "default.jsonl"
FORMATS = ("github-action-benchmark", "bencher", "pytest-benchmark", "csv")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a real run in it, `run.jsonl`, and one of a single failure."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.jsonl").write_bytes(RUN.read_bytes())
    first, *lines = RUN.read_text("utf-8").splitlines()
    record = next(json.loads(line) for line in lines if '"status":"ok"' in line)
    record |= {"status": "crashed", "reason": "no luck", "latency": None, "memory": None}
    record["agreement"] = None
    (tmp_path / "failed.jsonl").write_text(f"{first}\n{json.dumps(record)}\n", "utf-8")
    return tmp_path


def call(*arguments: str) -> tuple[int, str, str]:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(export)
    result = CliRunner().invoke(app, arguments)
    assert "Traceback" not in result.output
    return result.exit_code, result.stdout, result.stderr


def points() -> int:
    return sum(record.latency is not None for record in read_run(RUN).latest)


def test_text_is_printed_and_the_same_is_written(here: Path) -> None:
    for form in FORMATS:
        code, printed, err = call("--format", form, "run.jsonl")
        assert (code, err) == (0, "")
        assert call("--format", form, "run.jsonl", "--out", "-")[1] == printed
        code, out, _ = call("--format", form, "run.jsonl", "--out", f"new/{form}")
        assert (code, out) == (0, f"Written: new/{form}\n")
        assert (here / "new" / form).read_text("utf-8") == printed


def test_every_point_is_in_every_format(here: Path) -> None:
    assert points() > 20
    read = {form: call("--format", form, "run.jsonl")[1] for form in FORMATS}
    assert len(json.loads(read["github-action-benchmark"])) == 2 * points()
    assert len(json.loads(read["bencher"])) == points()
    assert len(json.loads(read["pytest-benchmark"])["benchmarks"]) == points()
    assert len(read["csv"].splitlines()) == 1 + len(read_run(RUN).latest)


def test_what_pytest_benchmark_gets_is_read_as_a_run_again(here: Path) -> None:
    assert call("--format", "pytest-benchmark", "run.jsonl", "--out", "run.json")[0] == 0
    assert len(read_run("run.json").records) == points()
    code, text, _ = call("--format", "bencher", "run.json")
    assert (code, text) == (0, call("--format", "bencher", "run.jsonl")[1])


def test_parquet_needs_a_file(here: Path) -> None:
    code, _, err = call("--format", "parquet", "run.jsonl")
    assert (code, err.count("--out FILE.parquet")) == (2, 1)
    assert call("--format", "parquet", "run.jsonl", "--out", "a/run.parquet")[0] == 0
    frame = pd.read_parquet("a/run.parquet")
    assert set(frame.columns) < set(COLUMNS)
    assert len(frame) == len(read_run(RUN).latest)


def test_points_without_figures_are_named_and_counted(here: Path) -> None:
    lines = (here / "failed.jsonl").read_text("utf-8").splitlines()
    *_, other = (line for line in RUN.read_text("utf-8").splitlines() if '"status":"ok"' in line)
    (here / "mixed.jsonl").write_text("\n".join([*lines, other]) + "\n", "utf-8")
    code, text, err = call("--format", "bencher", "mixed.jsonl")
    assert code == 0
    assert len(json.loads(text)) == 1
    first, named = err.splitlines()
    assert first == "1 point without figures is left out:"
    assert named.startswith("  hatrick, n=")
    assert named.endswith(": crashed (no luck)")


def test_a_run_without_figures_writes_nothing_but_rows(here: Path) -> None:
    code, out, err = call("--format", "bencher", "failed.jsonl", "--out", "x.json")
    assert (code, out) == (2, "")
    assert "no luck" in err
    assert "nothing to export" in err
    assert not (here / "x.json").exists()
    code, text, _ = call("--format", "csv", "failed.jsonl")
    assert (code, text.count("no luck")) == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--format", "bencher", "run.jsonl", "--out", "run.jsonl"], "run.jsonl is a run file"),
        (["--format", "bencher", "run.jsonl", "--out", "new.jsonl"], "or named like one"),
        (["--format", "parquet", "run.jsonl", "--out", "link"], "link is a run file"),
        (["--format", "csv", "run.jsonl", "--out", "run.jsonl/x"], "cannot be written"),
        (["--format", "parquet", "run.jsonl", "--out", "run.jsonl/x"], "cannot be written"),
        (["--format", "bencher", "none.jsonl"], "none.jsonl: cannot be read"),
        (["--format", "bencher", "run.jsonl", "copy.jsonl"], "export one run at a time"),
        (["--format", "pytest-benchmark", "run.jsonl", "failed.jsonl"], "and these are 2"),
        (["--format", "xml", "run.jsonl"], "xml"),
        (["run.jsonl"], "--format"),
    ],
)
def test_a_mistake_is_a_sentence_and_nothing_is_written(
    here: Path, arguments: list[str], part: str
) -> None:
    (here / "link").symlink_to("run.jsonl")
    (here / "copy.jsonl").write_bytes(RUN.read_bytes())
    before = {path.name: path.read_bytes() for path in here.iterdir()}
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert part in err
    assert {path.name: path.read_bytes() for path in here.iterdir()} == before


@pytest.mark.parametrize(
    ("bad", "why"), [("empty.jsonl", "the file is empty"), ("none.jsonl", "cannot be read")]
)
def test_a_file_that_cannot_be_read_leaves_the_others_and_the_exit_code_says_so(
    here: Path, bad: str, why: str
) -> None:
    (here / "empty.jsonl").write_text("")
    code, text, err = call("--format", "bencher", "run.jsonl", bad)
    assert (code, len(json.loads(text))) == (2, points())
    assert f"Left out: {bad}: {why}" in err
    for form in ("bencher", "csv", "parquet"):
        code, out, _ = call("--format", form, bad, "run.jsonl", "--out", f"new.{form}")
        assert (code, out) == (2, f"Written: new.{form}\n")
        assert (here / f"new.{form}").stat().st_size > 1000
