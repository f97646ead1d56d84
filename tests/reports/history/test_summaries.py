"""Summaries: the points of a history without their samples, and the time it takes."""

from __future__ import annotations

import shutil
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import reports
from reports.figures import Counts
from reports.history import store
from reports.history.series import all_series
from reports.history.summaries import FIGURES, FOLDER, load, missing, summarise, summary_path
from reports.schema import Status

SECONDS = 5.0


@pytest.fixture
def folder(tmp_path: Path, environment, record, write_run) -> Path:
    """Two runs, the second with a point that crashed."""
    crashed = record(seq_len=512, status=Status.CRASHED, reason="no luck")
    sizes = {"a": [record(), record(seq_len=512)], "b": [record(median_ms=2.5), crashed]}
    for i, (name, records) in enumerate(sizes.items()):
        moment = environment().created_at + timedelta(days=i)
        made = environment(run_id=name, created_at=moment)
        write_run(tmp_path / "history" / f"{name}.jsonl", made, records)
    return tmp_path / "history"


def test_a_point_has_its_figures_and_what_is_missing_is_missing(folder: Path) -> None:
    history = load(store.stored(folder)[0])
    points = history.points
    assert [run.environment.run_id for run in history.runs] == ["a", "b"]
    assert points["run"].tolist() == [0, 0, 1, 1]
    assert points["status"].tolist() == ["ok", "ok", "ok", "crashed"]
    assert points["latency_ms"].tolist()[:3] == [1.0, 1.0, 2.5]
    assert points["workspace_bytes"].tolist()[:3] == [4096.0] * 3
    assert points.loc[3, list(FIGURES)].isna().all()
    assert history.refused == []


def test_figures_are_those_of_the_frame(tmp_path: Path, environment, write_run, sweep) -> None:
    counts = Counts(flops=12, operators=3, launches=None, graph_breaks=0)
    records = [one.model_copy(update={"counts": counts}) for one in sweep((256, 8192), (64,))]
    run = write_run(tmp_path / "run.jsonl", environment(), records)
    points = load([store.Stored(run, environment())]).points
    frame = reports.load(run)
    assert points["status"].tolist() == frame["status"].tolist()
    for name in FIGURES:
        expected = frame[name].astype("float64").to_numpy()
        np.testing.assert_array_equal(points[name].to_numpy(), expected)


def test_what_is_read_from_summaries_is_what_the_runs_say(folder: Path) -> None:
    runs, _ = store.stored(folder)
    assert missing(runs) == 2
    first = load(runs)
    assert missing(runs) == 0
    pd.testing.assert_frame_equal(load(runs).points, first.points)
    shutil.rmtree(folder / FOLDER)
    pd.testing.assert_frame_equal(load(runs).points, first.points)


def test_a_damaged_or_foreign_summary_is_made_again(folder: Path) -> None:
    runs, _ = store.stored(folder)
    first = load(runs)
    summary_path(runs[0].path).write_bytes(b"no parquet")
    pd.DataFrame({"a": [1]}).to_parquet(summary_path(runs[1].path))
    pd.testing.assert_frame_equal(load(runs).points, first.points)


def test_a_run_that_grew_is_read_again(folder: Path, record) -> None:
    runs, _ = store.stored(folder)
    load(runs)
    with runs[0].path.open("a") as file:
        file.write(record(seq_len=1024).model_dump_json() + "\n")
    assert missing(runs) == 1
    assert len(load(runs).points) == 5


def test_a_damaged_line_is_said_every_time(folder: Path) -> None:
    runs, _ = store.stored(folder)
    with runs[0].path.open("a") as file:
        file.write('{"type":"record"')
    for _ in range(2):
        (said,) = load(runs).refused
        assert "a.jsonl, line 4: cut off" in said


def test_a_run_that_cannot_be_read_leaves_the_others(folder: Path) -> None:
    runs, _ = store.stored(folder)
    text = runs[0].path.read_text()
    runs[0].path.write_text(text + text)
    history = load(runs)
    assert [run.environment.run_id for run in history.runs] == ["b"]
    assert "two runs were joined" in history.refused[0]
    assert load([]).points.empty


def test_a_folder_that_takes_no_summary_is_read_all_the_same(folder: Path) -> None:
    (folder / FOLDER).write_text("in the way")
    runs, _ = store.stored(folder)
    summarise(runs[0])
    assert len(load(runs).points) == 4


def test_a_thousand_runs_of_two_hundred_points_take_less_than_five_seconds(
    tmp_path: Path, environment, record, write_run
) -> None:
    """Of the processor: how busy the machine is does not count."""
    samples = np.random.default_rng(0).lognormal(0, 0.02, 100).tolist()
    latency = {"samples_ms": samples, "visits": [10] * 10}
    records = [record(seq_len=128 * (1 + i), latency=latency) for i in range(200)]
    model = tmp_path / "model.jsonl"
    write_run(model, environment(), records)
    content = model.read_bytes().partition(b"\n")[2]
    one = store.Stored(model, environment())
    summarise(one)
    summary = summary_path(model).read_bytes()
    folder = tmp_path / "history"
    (folder / FOLDER).mkdir(parents=True)
    for i in range(1000):
        moment = environment().created_at + timedelta(hours=i)
        made = environment(run_id=f"{i:012}", created_at=moment)
        path = folder / store.file_name(made)
        # The samples of some are there to be left alone, of all would be 300 MB to write.
        path.write_bytes(
            made.model_dump_json().encode() + b"\n" + (content if i % 50 == 0 else b"")
        )
        summary_path(path).write_bytes(summary)
    start = time.process_time()
    runs, _ = store.stored(folder)
    found = all_series(load(runs))
    shifts = found[0].change_points
    took = time.process_time() - start
    assert (len(found), len(found[0].runs), shifts) == (200, 1000, [])
    assert took < SECONDS
