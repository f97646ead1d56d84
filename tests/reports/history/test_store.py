"""The folder of a history, with good files and bad ones in it."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reports.history.store import Added, HistoryError, add, chosen, commit_of, file_name, stored
from reports.runfile import RunFileError, read_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "history"


@pytest.fixture
def run_file(tmp_path: Path, environment, record, write_run) -> Path:
    return write_run(tmp_path / "run.jsonl", environment(), [record(), record(seq_len=512)])


def test_a_name_sorts_by_time_and_tells_commit_device_and_run(environment) -> None:
    one = environment(run_id="ab/c..12", git_commit="0123ABCdef", devices={"cuda:0": "NVIDIA H200"})
    assert file_name(one) == "20250304T050607Z-0123abc-nvidia-h200-ab-c-12.jsonl"
    no_checkout = environment(git_commit="", devices={}, run_id="x")
    assert file_name(no_checkout) == "20250304T050607Z-c0de5ee-none-x.jsonl"


def test_a_commit_says_that_files_were_changed_or_that_there_is_none(environment) -> None:
    assert commit_of(environment(git_commit="0123abcdef")) == "0123abc"
    assert commit_of(environment(git_commit="0123abcdef", git_dirty=True)) == "0123abc+"
    assert commit_of(environment(git_commit="")) == "code c0de5ee"


def test_a_run_is_kept_byte_for_byte_and_once(run_file: Path, folder: Path) -> None:
    run, outcome = add(run_file, folder)
    assert outcome is Added.NEW
    assert run.path.read_bytes() == run_file.read_bytes()
    assert add(run_file, folder) == (run, Added.SAME)
    assert [path.name for path in folder.iterdir()] == [run.path.name]


def test_a_run_that_went_on_replaces_its_shorter_version_and_never_the_other_way(
    run_file: Path, folder: Path, record
) -> None:
    short = run_file.read_bytes()
    add(run_file, folder)
    with run_file.open("a") as file:
        file.write(record(seq_len=1024).model_dump_json() + "\n")
    run, outcome = add(run_file, folder)
    assert outcome is Added.LONGER
    assert len(read_run(run.path).records) == 3
    run_file.write_bytes(short)
    assert add(run_file, folder)[1] is Added.SAME
    assert len(read_run(run.path).records) == 3


def test_a_cut_run_is_replaced_by_its_whole_version(run_file: Path, folder: Path) -> None:
    whole = run_file.read_bytes()
    run_file.write_bytes(whole[:-40])
    add(run_file, folder)
    run_file.write_bytes(whole)
    run, outcome = add(run_file, folder)
    assert (outcome, run.path.read_bytes()) == (Added.LONGER, whole)


def test_another_run_of_the_same_name_is_refused(run_file: Path, folder: Path, record) -> None:
    run, _ = add(run_file, folder)
    before = run.path.read_bytes()
    first = run_file.read_text().splitlines()[0]
    run_file.write_text(first + "\n" + record(median_ms=9).model_dump_json() + "\n")
    with pytest.raises(HistoryError, match="with other records"):
        add(run_file, folder)
    assert run.path.read_bytes() == before


def test_writers_at_the_same_time_leave_whole_files(
    tmp_path: Path, folder: Path, environment, record, write_run
) -> None:
    files = [
        write_run(tmp_path / f"{i}-{j}.jsonl", environment(run_id=f"r{i}"), [record()])
        for i in range(4)
        for j in range(4)
    ]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda file: add(file, folder), files))
    runs, refused = stored(folder)
    assert sorted(run.environment.run_id for run in runs) == ["r0", "r1", "r2", "r3"]
    assert refused == []
    assert len(list(folder.iterdir())) == 4


def test_bad_files_are_sentences_and_the_others_go_on(run_file: Path, folder: Path) -> None:
    run, _ = add(run_file, folder)
    whole = run.path.read_text()
    (folder / "cut.jsonl").write_text(whole[:50])
    (folder / "foreign.jsonl").write_text('{"hello": 1}\n')
    (folder / "empty.jsonl").write_text("")
    newer = json.loads(whole.splitlines()[0]) | {"schema_version": 99}
    (folder / "newer.jsonl").write_text(json.dumps(newer) + "\n")
    (folder / "twice.jsonl").write_text(whole)
    runs, refused = stored(folder)
    assert [one.path for one in runs] == [run.path]
    assert len(refused) == 5
    for name, words in {
        "cut": "no JSON object",
        "foreign": "a run file is JSON lines",
        "empty": "the file is empty",
        "newer": "a newer version",
        "twice": "again, as",
    }.items():
        (said,) = [sentence for sentence in refused if f"{name}.jsonl" in sentence]
        assert words in said


def test_runs_are_in_the_order_of_time_whatever_their_names(
    folder: Path, environment, record, write_run
) -> None:
    moments = {"a": 3, "b": 1, "c": 2}
    for name, day in moments.items():
        made = environment(run_id=name, created_at=datetime(2026, 1, day, tzinfo=UTC))
        write_run(folder / f"{name}.jsonl", made, [record()])
    assert [run.environment.run_id for run in stored(folder)[0]] == ["b", "c", "a"]


def test_filters_are_by_commit_device_and_day(folder: Path, environment, record, write_run) -> None:
    for i, (commit, device) in enumerate([("aa11", "NVIDIA H200"), ("bb22", "AMD EPYC")]):
        made = environment(
            run_id=str(i),
            git_commit=commit,
            devices={"cpu": device},
            created_at=datetime(2026, 1, 1 + i, tzinfo=UTC),
        )
        write_run(folder / f"{i}.jsonl", made, [record()])
    first, second = runs = stored(folder)[0]
    assert chosen(runs) == runs
    assert chosen(runs, commit="AA1") == [first]
    assert chosen(runs, device="epyc") == [second]
    assert chosen(runs, since=datetime(2026, 1, 2, tzinfo=UTC)) == [second]
    assert chosen(runs, commit="aa", device="epyc") == []


def test_a_run_outside_a_checkout_is_chosen_by_the_digest_of_its_code(
    folder: Path, environment, record, write_run
) -> None:
    for i, commit in enumerate(["", "aa11"]):
        made = environment(run_id=str(i), git_commit=commit)
        write_run(folder / f"{i}.jsonl", made, [record()])
    runs = stored(folder)[0]
    (without,) = [run for run in runs if not run.environment.git_commit]
    assert chosen(runs, commit=without.commit) == [without]
    assert chosen(runs, commit="C0DE5") == [without]


def test_what_is_no_history_is_a_sentence(tmp_path: Path, run_file: Path) -> None:
    with pytest.raises(HistoryError, match="there is no history here"):
        stored(tmp_path / "none")
    for act in (lambda: stored(run_file), lambda: add(run_file, run_file)):
        with pytest.raises(HistoryError, match="is a file"):
            act()
    with pytest.raises(RunFileError):
        add(tmp_path / "none.jsonl", tmp_path / "history")
    assert not (tmp_path / "history").exists()


def test_a_run_without_a_point_is_not_added(folder: Path, tmp_path: Path, environment, write_run):
    with pytest.raises(HistoryError, match="no point"):
        add(write_run(tmp_path / "run.jsonl", environment(), []), folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_a_folder_that_cannot_be_written_is_an_error(run_file: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o500)
    with pytest.raises(OSError, match="ermission"):
        add(run_file, folder)
