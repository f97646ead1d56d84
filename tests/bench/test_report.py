"""`hatrick report` as its user types it, on files good and bad."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from bench.cli import app
from reports.frame import COLUMNS
from reports.runfile import read_run

RUN = Path(__file__).parents[2] / "docs" / "results" / "cpu" / "default.jsonl"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a real run in it: `run.jsonl`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.jsonl").write_bytes(RUN.read_bytes())
    return tmp_path


def report(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["report", *arguments])
    assert "Traceback" not in result.output
    return result.exit_code, result.stdout, result.stderr


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_page_is_the_default_and_lies_beside_the_first_run(here: Path) -> None:
    assert report("run.jsonl") == (0, "Page: run.html\n", "")
    assert names(here) == ["run.html", "run.jsonl"]


def test_markdown_and_csv_are_printed(here: Path) -> None:
    code, text, _ = report("run.jsonl", "--markdown")
    assert code == 0
    assert text.startswith("* AMD EPYC: ")
    code, text, _ = report("run.jsonl", "--csv", "--out", "-")
    assert code == 0
    assert len(text.splitlines()) == 1 + len(read_run("run.jsonl").latest)
    assert text.startswith("run_id,file,")
    assert names(here) == ["run.jsonl"]


def test_a_table_goes_where_it_is_told_and_is_replaced(here: Path) -> None:
    for _ in range(2):
        assert report("run.jsonl", "--csv", "--out", "new/run.csv")[0] == 0
    assert names(here / "new") == ["run.csv"]
    assert len(pd.read_csv(here / "new/run.csv")) == len(read_run("run.jsonl").latest)


def test_parquet_lies_beside_the_first_run(here: Path) -> None:
    assert report("run.jsonl", "--parquet") == (0, "Written: run.parquet\n", "")
    assert set(pd.read_parquet(here / "run.parquet").columns) < set(COLUMNS)


def test_a_page_a_run_in_a_folder(here: Path) -> None:
    code, out, _ = report("run.jsonl", "--split")
    assert (code, out) == (0, "Page: run-pages/index.html\n")
    assert {"index.html", "run.html"} < set(names(here / "run-pages"))


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--html", "--csv"], "choose one of --html, --markdown, --csv, --parquet and --png DIR"),
        (["--csv", "--png", "charts"], "got --csv and --png"),
        (["--csv", "--split"], "--split is about pages, and --csv writes none"),
        (["--png", "charts", "--out", "x.png"], "leave out --out x.png"),
        (["--parquet", "--out", "-"], "--parquet needs a file"),
        (["--out", "-"], "--html needs a file"),
        (["--out", "page.txt"], "--out names a page, FILE.html; got page.txt"),
        (["--split", "--out", "x.html"], "--split writes a folder of pages"),
        (["--csv", "--out", "run.jsonl"], "run.jsonl is a run file"),
        (["--csv", "--out", "new.jsonl"], "new.jsonl is a run file, or named like one"),
        (["--markdown", "--out", "link"], "link is a run file"),
        (["--csv", "--out", "run.jsonl/x.csv"], "run.jsonl/x.csv cannot be written"),
        (["--png", "run"], "run cannot be written (File exists)"),
        (["--pgn", "run"], "--pgn"),
    ],
)
def test_a_mistake_is_a_sentence_and_nothing_is_written(
    here: Path, arguments: list[str], part: str
) -> None:
    (here / "link").symlink_to("run.jsonl")
    (here / "run").write_text("")
    before = (here / "run.jsonl").read_bytes()
    code, out, err = report("run.jsonl", *arguments)
    assert (code, out) == (2, "")
    assert part in err
    assert names(here) == ["link", "run", "run.jsonl"]
    assert (here / "run.jsonl").read_bytes() == before


FORMS = [[], ["--markdown"], ["--csv"], ["--parquet"], ["--split"]]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n", "its first line is no JSON object"),
        (b'{"type":"record"}\n', "its first line is a record"),
    ],
)
def test_what_is_no_run_is_a_sentence(
    here: Path, form: list[str], content: bytes, part: str
) -> None:
    (here / "bad.jsonl").write_bytes(content)
    code, out, err = report("bad.jsonl", *form)
    assert (code, out) == (2, "")
    assert "bad.jsonl" in err
    assert part in err
    assert names(here) == ["bad.jsonl", "run.jsonl"]


@pytest.mark.parametrize("form", FORMS)
def test_beside_runs_that_can_be_read_it_is_left_out_and_said_so(
    here: Path, form: list[str]
) -> None:
    (here / "bad.jsonl").write_bytes(b"")
    code, _, err = report("run.jsonl", "bad.jsonl", *form)
    assert code == 0
    assert err.startswith("Left out: bad.jsonl: the file is empty; ")


def test_a_device_is_written_into_and_a_link_leads_where_it_led(here: Path) -> None:
    assert report("run.jsonl", "--csv", "--out", os.devnull)[0] == 0
    assert not Path(os.devnull).is_file()
    (here / "real.csv").write_text("old")
    (here / "link.csv").symlink_to("real.csv")
    assert report("run.jsonl", "--csv", "--out", "link.csv")[0] == 0
    assert (here / "link.csv").is_symlink()
    assert (here / "real.csv").read_text().startswith("run_id,")


def changed(path: Path, change: Callable[[list[dict[str, object]]], None]) -> None:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    change(lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_run_of_a_newer_version_says_to_update(here: Path) -> None:
    changed(here / "run.jsonl", lambda lines: lines[0].update(schema_version=99))
    code, _, err = report("run.jsonl")
    assert code == 2
    assert "written in schema 99 by a newer version" in err
    assert "update hatrick-bench" in err


@pytest.mark.parametrize("form", FORMS)
def test_a_run_without_a_point_is_reported_as_such(here: Path, form: list[str]) -> None:
    changed(here / "run.jsonl", lambda lines: lines.__delitem__(slice(1, None)))
    assert report("run.jsonl", *form)[0] == 0


@pytest.mark.parametrize("form", [[], ["--csv"]])
def test_damaged_lines_are_told_and_the_rest_is_there(here: Path, form: list[str]) -> None:
    (here / "run.jsonl").write_bytes((here / "run.jsonl").read_bytes()[:-40])
    code, _, err = report("run.jsonl", *form)
    assert code == 0
    assert "cut off" in err


def _fail(lines: list[dict[str, object]]) -> None:
    for line in lines[1:]:
        for figure in ("latency", "memory", "agreement", "gpu"):
            line[figure] = None
        line |= {"status": "out_of_memory", "reason": "no memory"}


@pytest.mark.parametrize("form", FORMS)
def test_a_run_of_which_all_failed_is_reported_as_such(here: Path, form: list[str]) -> None:
    changed(here / "run.jsonl", _fail)
    code, out, _ = report("run.jsonl", *form)
    assert code == 0
    if form == ["--markdown"]:
        assert "that were tried gave a valid latency" in out


def test_ctrl_c_is_a_sentence(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reports.write_page", interrupt)
    code, _, err = report("run.jsonl")
    assert code == 130
    assert "Interrupted" in err


def test_a_full_disk_is_a_sentence_and_leaves_nothing_half_done(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pandas.DataFrame.to_parquet", full)
    code, _, err = report("run.jsonl", "--parquet")
    assert (code, err) == (
        2,
        "hatrick: run.parquet cannot be written (No space left on device)\n",
    )
    assert names(here) == ["run.jsonl"]


def test_no_browser_is_a_sentence(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("choreographer.browsers.chromium.Chromium.find_browser", lambda **_: None)
    code, _, err = report("run.jsonl", "--png", "charts")
    assert code == 2
    assert "apt install chromium" in err


def test_a_reader_that_stops_early_is_no_traceback(here: Path) -> None:
    script = f"{sys.executable} -c 'from bench.cli import main; main()' report run.jsonl --csv"
    done = subprocess.run(
        ["bash", "-c", f"{script} | head -c 10"], capture_output=True, text=True, env=os.environ
    )
    assert done.stdout == "run_id,fil"
    assert done.stderr == ""
