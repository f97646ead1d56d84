"""`hatrick history` as its user types it."""

from __future__ import annotations

import json
import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bench.history import history

RUN = Path(__file__).parents[2] / "docs" / "results" / "cpu" / "default.jsonl"
FOLDER = Path(".hatrick/history")

app = typer.Typer(rich_markup_mode=None)
app.add_typer(history, name="history")


@app.callback()
def hatrick() -> None:
    """So that `history` is a command of several."""


def call(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["history", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with twelve copies of a real run, a day apart, and from the sixth on with HATrick
    half as fast at T = 1024 and a new torch."""
    folder = tmp_path_factory.mktemp("runs")
    lines = [json.loads(line) for line in RUN.read_text().splitlines()]
    for i in range(12):
        changed = json.loads(json.dumps(lines))
        first = changed[0]
        first["run_id"] = f"run{i:02}"
        first["git_commit"] = f"{i:040x}"
        first["git_dirty"] = False
        moment = datetime.fromisoformat(first["created_at"]) + timedelta(days=i)
        first["created_at"] = moment.isoformat()
        if i >= 6:
            first["packages"]["torch"] = "9.9.9"
        for line in changed[1:]:
            point, latency = line.get("point"), line.get("latency")
            if latency and (point["variant"], point["seq_len"]) == ("hatrick", 1024) and i >= 6:
                for name in ("median_ms", "q1_ms", "q3_ms", "low_ms", "high_ms"):
                    latency[name] *= 2
        text = "\n".join(map(json.dumps, changed))
        (folder / f"{i:02}.jsonl").write_text(text + "\n")
    return folder


@pytest.fixture(scope="module")
def filled(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history of them."""
    folder = tmp_path_factory.mktemp("filled") / "history"
    assert call("add", str(recorded), "--history", str(folder))[0] == 0
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.jsonl").write_bytes(RUN.read_bytes())
    return tmp_path


def test_add_says_where_a_run_went_and_twice_is_once(here: Path) -> None:
    code, first, _ = call("add", "run.jsonl")
    (kept,) = FOLDER.glob("*.jsonl")
    assert (code, first) == (0, f"run.jsonl: added, {kept}\n")
    assert call("add", "run.jsonl") == (0, f"run.jsonl: already there, {kept}\n", "")
    assert len(list((FOLDER / "summaries").iterdir())) == 1


def test_what_cannot_be_read_is_a_sentence_and_the_rest_is_added(here: Path) -> None:
    (here / "bad.jsonl").write_text("{}\n")
    code, out, err = call("add", "none.jsonl", "bad.jsonl", "run.jsonl")
    assert code == 2
    assert "run.jsonl: added" in out
    assert "none.jsonl: cannot be read" in err
    assert "bad.jsonl: its first line" in err


def test_a_folder_that_is_none_or_is_empty_is_a_sentence(here: Path) -> None:
    for command in ("list", "show"):
        code, _, err = call(command)
        assert (code, "there is no history here" in err) == (2, True)
        code, _, err = call(command, "--history", "run.jsonl")
        assert (code, "is a file" in err) == (2, True)
        (here / "empty").mkdir(exist_ok=True)
        code, _, err = call(command, "--history", "empty")
        assert (code, "holds no run" in err) == (2, True)
    code, _, err = call("add", "run.jsonl", "--history", "run.jsonl/deep")
    assert code == 2
    assert "run.jsonl/deep" in err
    code, _, err = call("add", "empty")
    assert (code, "holds no run file" in err) == (2, True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_a_sentence(here: Path) -> None:
    (here / "locked").mkdir(mode=0o500)
    code, _, err = call("add", "run.jsonl", "--history", "locked/history")
    assert (code, "cannot be written" in err) == (2, True)


def test_list_has_a_line_a_run_and_filters(filled: Path) -> None:
    code, out, err = call("list", "--history", str(filled))
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].startswith("12 runs")
    assert [f"run{i:02}" in out for i in range(12)] == [True] * 12
    one = call("list", "--history", str(filled), "--commit", f"{3:040x}")[1]
    assert one.splitlines()[-1].startswith("1 run,")
    assert "run03" in one
    code, _, err = call("list", "--history", str(filled), "--device", "H200")
    assert (code, "AMD EPYC" in err) == (2, True)
    code, _, err = call("list", "--history", str(filled), "--since", "yesterday")
    assert (code, "write 2026-01-31" in err) == (2, True)


def test_a_bad_file_in_the_folder_leaves_the_others(filled: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(filled, tmp_path / "history")
    (folder / "zz.jsonl").write_text('{"type":"environment","schema_ver')
    code, out, err = call("show", "--history", str(folder))
    assert code == 0
    assert err.startswith(f"Left out: {folder}/zz.jsonl")
    assert "12" in out


def test_show_without_filters_is_every_series_with_its_last_shift(filled: Path) -> None:
    code, out, _ = call("show", "--history", str(filled))
    assert code == 0
    assert "latency +100% !" in out
    assert "rose" not in out


def test_show_of_one_series_is_its_runs_and_names_torch_beside_the_commits(filled: Path) -> None:
    where = ("--variant", "hatrick", "--seq-len", "1k", "--dtype", "fp32")
    more = ("--direction", "forward", "--chunk-size", "128", "--device", "epyc")
    code, out, _ = call("show", "--history", str(filled), *where, *more)
    assert code == 0
    assert len([line for line in out.splitlines() if line.startswith("20")]) == 12
    assert "rose 100%" in out
    assert "between 0000000 and 0000000" not in out
    assert "torch 2.13.0+cpu → 9.9.9 at the same time" in out


def test_a_filter_that_nothing_has_says_what_there_is(filled: Path) -> None:
    folder = ("--history", str(filled))
    code, _, err = call("show", *folder, "--variant", "hatrik")
    assert code == 2
    assert "no series here has variant hatrik; there is " in err
    assert "hatrick" in err.partition("there is")[2]
    code, _, err = call("show", *folder, "--seq-len", "7")
    assert (code, "no series here has T 7; there is 256" in err) == (2, True)
    code, _, err = call("show", *folder, "--seq-len", "long")
    assert (code, "cannot read --seq-len 'long'" in err) == (2, True)
    code, _, err = call("show", *folder, "--dtype", "int8")
    assert (code, "no dtype 'int8'; choose from float32" in err) == (2, True)


def test_the_trend_page_is_written_where_it_is_told(filled: Path, here: Path) -> None:
    code, out, _ = call("show", "--history", str(filled), "--html", "deep/trend.html")
    assert (code, out) == (0, "Page: deep/trend.html\n")
    assert "12 runs of 12 commits" in (here / "deep" / "trend.html").read_text("utf-8")
    code, _, err = call("show", "--history", str(filled), "--html", "trend.txt")
    assert (code, "FILE.html; got trend.txt" in err) == (2, True)
    code, _, err = call("show", "--history", str(filled), "--html", "run.jsonl/trend.html")
    assert (code, "cannot be written" in err) == (2, True)


@pytest.mark.parametrize("command", ["add", "list", "show"])
def test_help_has_examples(command: str) -> None:
    code, out, _ = call(command, "--help")
    assert code == 0
    assert f"hatrick history {command}" in out.partition("Examples:")[2]
