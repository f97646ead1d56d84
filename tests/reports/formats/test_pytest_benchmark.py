"""pytest-benchmark's JSON: written as it writes it, and read back as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import reports
from reports.figures import Counts
from reports.formats.points import ExportError, name
from reports.formats.pytest_benchmark import KEY, extra_info, parse, to_text
from reports.runfile import RunFileError, read_readable
from reports.schema import Record


def saved(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document), "utf-8")
    return path


@pytest.fixture
def document(run: Callable[..., Any], record: Callable[..., Any]) -> Any:
    """A file with one point, as an object."""
    return json.loads(to_text([run([record("lsh", 512, options={"rounds": 4})])]))


def foreign(called: str) -> dict[str, Any]:
    """A benchmark of something else."""
    stats = {"data": [1.0], "min": 1.0, "median": 1.0}
    return {"fullname": called, "name": called, "extra_info": {"note": 1}, "stats": stats}


def without_samples(record: Record) -> dict[str, Any]:
    return record.model_dump(exclude={"latency": {"samples_ms"}})


def test_what_was_written_is_read_back(
    run: Callable[..., Any], sweep: Callable[..., Any], gpu: Callable[..., Any], tmp_path: Path
) -> None:
    counts = Counts(flops=7, operators=5, launches=None, graph_breaks=0)
    records = sweep(lengths=(256, 512), chunks=(32, 64))
    records[0] = records[0].model_copy(update={"counts": counts, "gpu": gpu()})
    made = run(records)
    path = tmp_path / "run.json"
    path.write_text(to_text([made]), "utf-8")
    back = reports.read_run(path)
    measured = [record for record in made.latest if record.latency]
    assert list(map(without_samples, back.records)) == list(map(without_samples, measured))
    for ours, theirs in zip(measured, back.records, strict=True):
        assert ours.latency
        assert theirs.latency
        assert theirs.latency.samples_ms == pytest.approx(ours.latency.samples_ms, 1e-12)
    assert back.environment == made.environment
    assert back.damaged == []
    assert reports.load(path)["workspace_bytes"].tolist() == [
        record.memory.workspace_bytes for record in measured
    ]


def test_a_benchmark_has_what_people_look_for_in_extra_info(record: Callable[..., Any]) -> None:
    made = record(workspace=4096, oracle_error=1e-7, distance=0.4)
    info = extra_info(made)
    assert {key: info[key] for key in info if key != KEY} == {
        "backend_used": "sdpa",
        "workspace_bytes": 4096,
        "oracle_error": 1e-7,
        "distance_to_full": 0.4,
        "flops": 10**6,
        "model_bytes": 10**4,
        "counts": None,
    }
    assert info[KEY]["point"] == made.point.model_dump(mode="json")
    assert "samples_ms" not in info[KEY]["latency"]


def test_pytest_benchmark_itself_compares_the_file(
    run: Callable[..., Any], record: Callable[..., Any], tmp_path: Path
) -> None:
    files = []
    for called, factor in (("before", 1.0), ("after", 2.0)):
        made = [record("full", T, median_ms=factor * T) for T in (256, 512)]
        path = tmp_path / f"{called}.json"
        path.write_text(to_text([run(made, name=called)]), "utf-8")
        files.append(path)
    command = [sys.executable, "-m", "pytest_benchmark", "compare", *map(str, files)]
    table = tmp_path / "table.csv"
    done = subprocess.run(
        [*command, "--group-by=fullname", "--columns=median", f"--csv={table}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(name(record("full", 512).point)) == 3  # a heading and two rows
    medians = [float(line.rpartition(",")[2]) for line in table.read_text().splitlines()[1:]]
    assert sorted(medians) == pytest.approx([0.256, 0.512, 0.512, 1.024])


def test_several_runs_are_refused(run: Callable[..., Any], record: Callable[..., Any]) -> None:
    runs = [run([record(seed=seed)], name=f"run{seed}") for seed in (0, 1)]
    with pytest.raises(ExportError, match="of one run and its machine, and these are 2"):
        to_text(runs)


def test_other_benchmarks_are_left_out_in_a_sentence(document: Any, tmp_path: Path) -> None:
    document["benchmarks"] += [foreign(f"test_{n}") for n in range(7)]
    back = reports.read_run(saved(tmp_path / "b.json", document))
    assert [record.point.variant for record in back.records] == ["lsh"]
    assert back.damaged == [
        "b.json: not of the fixture attention_benchmark, so not read: test_0, test_1, test_2, "
        "test_3, test_4 and 2 more"
    ]


def test_a_file_of_other_benchmarks_alone_is_an_error(document: Any, tmp_path: Path) -> None:
    document["benchmarks"] = [foreign("test_a")]
    with pytest.raises(RunFileError, match=r"not read: test_a; only benchmarks made with the"):
        reports.read_run(saved(tmp_path / "b.json", document))
    document["benchmarks"] = []
    with pytest.raises(RunFileError, match="there is no benchmark in it"):
        reports.read_run(saved(tmp_path / "b.json", document))


def test_a_file_of_other_benchmarks_alone_leaves_the_others_readable(
    document: Any, tmp_path: Path
) -> None:
    ours = saved(tmp_path / "ours.json", document)
    alone = saved(
        tmp_path / "alone.json", document | {"benchmarks": [foreign("test_a")], KEY: None}
    )
    runs, refused = read_readable([alone, ours])
    assert [run.path for run in runs] == [ours]
    (sentence,) = refused
    assert sentence.startswith(f"{alone}: ")
    assert "only benchmarks made with the fixture attention_benchmark can be read" in sentence


def test_of_two_benchmarks_of_a_point_the_last_is_read_and_the_other_named(
    document: Any, run: Callable[..., Any], record: Callable[..., Any], tmp_path: Path
) -> None:
    (first,) = document["benchmarks"]
    (other,) = json.loads(to_text([run([record("lsh", 256)])]))["benchmarks"]
    last = first | {"stats": first["stats"] | {"data": [5.0] * len(first["stats"]["data"])}}
    tests = [(first, "test_a"), (other, "test_other"), (first, "test_b"), (last, "test_c")]
    document["benchmarks"] = [made | {"fullname": called} for made, called in tests]
    back = reports.read_run(saved(tmp_path / "b.json", document))
    assert [record.point.seq_len for record in back.records] == [256, 512]
    assert back.records[1].latency
    assert set(back.records[1].latency.samples_ms) == {5e3}
    called = name(back.records[1].point)
    assert back.damaged == [
        f"b.json, test_a: {called}: measured again by test_b, so not read",
        f"b.json, test_b: {called}: measured again by test_c, so not read",
    ]


def test_a_benchmark_saved_without_samples_names_the_option(document: Any, tmp_path: Path) -> None:
    bare = json.loads(json.dumps(document["benchmarks"][0]))
    del bare["stats"]["data"]
    document["benchmarks"].append(bare | {"fullname": "test_bare"})
    back = reports.read_run(saved(tmp_path / "b.json", document))
    assert len(back.records) == 1
    (sentence,) = back.damaged
    assert "saved without samples, so not read: test_bare; add --benchmark-save-data" in sentence


@pytest.mark.parametrize(
    ("spoil", "part"),
    [
        (lambda known: known.update(key="0" * 16), "is not the key of this point"),
        (lambda known: known["point"].pop("seq_len"), "point.seq_len: Field required"),
        (lambda known: known["latency"].update(visits=[5]), "visits add up to 5"),
        (lambda known: known.update(latency=None), "must have latency"),
    ],
)
def test_a_damaged_point_does_not_take_the_others_down(
    document: Any, tmp_path: Path, spoil: Callable[[Any], None], part: str
) -> None:
    other = json.loads(json.dumps(document["benchmarks"][0]))
    spoil(other["extra_info"][KEY])
    document["benchmarks"].append(other | {"fullname": "test_other"})
    back = reports.read_run(saved(tmp_path / "b.json", document))
    assert len(back.records) == 1
    (sentence,) = back.damaged
    assert sentence.startswith("b.json, test_other: ")
    assert part in sentence


@pytest.mark.parametrize(
    ("environment", "part"),
    [
        (None, "does not say where it was measured"),
        ({"schema_version": 99}, "schema 99 by a newer version"),
        ({"schema_version": 1}, "schema 1 by an older version"),
        ({"schema_version": 4}, "hatrick.run_id: Field required"),
    ],
)
def test_an_environment_that_cannot_be_read_is_an_error(
    document: Any, tmp_path: Path, environment: Any, part: str
) -> None:
    document[KEY] = environment
    with pytest.raises(RunFileError, match=part):
        reports.read_run(saved(tmp_path / "b.json", document))


def test_where_this_project_has_no_commit_that_of_the_tests_is_taken(
    document: Any, tmp_path: Path
) -> None:
    document["commit_info"] = {"id": "feedbeef", "dirty": True}
    path = saved(tmp_path / "b.json", document)
    assert reports.read_run(path).environment.git_commit == "0123abc"
    document[KEY]["git_commit"] = ""
    environment = reports.read_run(saved(path, document)).environment
    assert (environment.git_commit, environment.git_dirty) == ("feedbeef", True)
    document["commit_info"] = {"id": "unversioned", "dirty": False}
    assert reports.read_run(saved(path, document)).environment.git_commit == ""


@pytest.mark.parametrize("indent", [None, 4])
def test_it_is_known_by_its_content_whatever_its_name(
    document: Any, tmp_path: Path, indent: int | None
) -> None:
    path = tmp_path / "saved.txt"
    path.write_text(json.dumps(document, indent=indent), "utf-8")
    assert len(reports.read_run(path).records) == 1


@pytest.mark.parametrize("text", ["{}", "[]", '{"machine_info": {}}', "{\n", '{"benchmarks": [1]}'])
def test_other_json_is_none_of_it_and_no_run_file(tmp_path: Path, text: str) -> None:
    assert parse(text.encode()) is None
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(RunFileError, match="a run file is JSON lines"):
        reports.read_run(path)


def test_foreign_benchmarks_as_pytest_benchmark_saves_them(tmp_path: Path) -> None:
    (tmp_path / "test_foreign.py").write_text("def test_it(benchmark):\n    benchmark(int)\n")
    options = ["--benchmark-max-time=0.01", "--benchmark-json=b.json", "--benchmark-save=saved"]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "pytest_benchmark.plugin", *options],
        cwd=tmp_path,
        # It times nothing in a worker of xdist, and takes the variables of ours for its own.
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        check=True,
        capture_output=True,
    )
    paths = list(tmp_path.rglob("*.json"))
    assert len(paths) == 2
    for path in paths:
        with pytest.raises(RunFileError, match=r"not read: test_foreign\.py::test_it; only"):
            reports.read_run(path)
