"""pytest-benchmark's JSON, both ways: what `pytest-benchmark compare` and `--benchmark-compare`
read, and what `pytest --benchmark-json` writes.

A benchmark of an attention carries its whole record, but for the samples, in `extra_info`, and its
file the environment, each under the key `hatrick`; so what was written is read back as it was.
Times are seconds there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from reports.formats.points import ExportError, Tracked, attention, name, setting, tracked
from reports.formats.pytest_stats import stats
from reports.runfile import Run, RunFileError, check_version, key_on_any, reason
from reports.schema import Environment, Record

KEY = "hatrick"
"""In `extra_info` the record without its samples; at the top the environment."""
LAYOUT = "5.3.1"
"""The version of pytest-benchmark whose layout this is."""
NO_COMMIT = ("unversioned", "unknown")
"""What stands for a commit where there is none."""
EXPECTED = (
    "only benchmarks made with the fixture attention_benchmark can be read as runs, from what "
    "`pytest --benchmark-json` writes"
)
NAMED = 5
"""So many benchmarks that are left out are named, and the others counted."""


def to_text(runs: Sequence[Run]) -> str:
    """A run as `pytest --benchmark-json` would have written it, every sample in it.

    Raises:
        ExportError: there are several runs, or none of the points has figures.
    """
    points = tracked(runs)
    if len(runs) > 1:
        raise ExportError(
            f"a file of pytest-benchmark is of one run and its machine, and these are {len(runs)}; "
            "export one run at a time"
        )
    environment = runs[0].environment
    document = {
        "machine_info": {
            "node": environment.host,
            "processor": environment.cpu,
            "system": environment.os,
            "python_version": environment.python,
            "cpu": {"brand_raw": environment.cpu, "count": environment.cpu_cores},
        },
        "commit_info": {
            "id": environment.git_commit or NO_COMMIT[0],
            "time": None,
            "author_time": None,
            "dirty": environment.git_dirty,
            "project": "hatrick-bench",
            "branch": "(unknown)",
        },
        "benchmarks": [_benchmark(point) for point in points],
        "datetime": environment.created_at.isoformat(),
        "version": LAYOUT,
        KEY: environment.model_dump(mode="json"),
    }
    return json.dumps(document, indent=1) + "\n"


def extra_info(record: Record) -> dict[str, Any]:
    """What a benchmark carries beside its samples: what people look for, and all of the record."""
    memory, agreement, counts = record.memory, record.agreement, record.counts
    return {
        "backend_used": record.point.backend_used,
        "workspace_bytes": memory.workspace_bytes if memory else None,
        "oracle_error": agreement.oracle_error if agreement else None,
        "distance_to_full": agreement.distance_to_full if agreement else None,
        "flops": record.flops,
        "model_bytes": record.model_bytes,
        "counts": counts.model_dump() if counts else None,
        KEY: json.loads(record.model_dump_json(exclude={"latency": {"samples_ms"}})),
    }


class Stats(BaseModel):
    """Of a saved benchmark; all but the samples follows from them."""

    data: list[float] = []
    """Seconds; empty where they were not saved."""


class Benchmark(BaseModel):
    """One saved benchmark, as far as it is read."""

    fullname: str
    extra_info: dict[str, Any]
    stats: Stats


class Commit(BaseModel):
    """What the tests that were run are a version of."""

    id: str
    dirty: bool = False


class Saved(BaseModel):
    """A file of pytest-benchmark, as far as it is read."""

    machine_info: dict[str, Any]
    commit_info: Commit
    benchmarks: list[Benchmark]
    hatrick: dict[str, Any] | None = None
    """The environment."""


def parse(content: bytes) -> Saved | None:
    """A file's content, if it is pytest-benchmark's; None if it is not."""
    try:
        return Saved.model_validate_json(content)
    except ValidationError:
        return None


def read(path: Path, saved: Saved) -> Run:
    """The run that a file of pytest-benchmark holds.

    Benchmarks of anything else than `attention_benchmark`, and those saved without their samples,
    are no points, and of several of one point the last is taken: `Run.damaged` says which are not
    read.

    Raises:
        RunFileError: no benchmark in it is a point, or it was written by another version.
    """
    measured: dict[str, tuple[str, Record]] = {}
    foreign: list[str] = []
    unsampled: list[str] = []
    damaged: list[str] = []
    for benchmark in saved.benchmarks:
        if KEY not in benchmark.extra_info:
            foreign.append(benchmark.fullname)
        elif not benchmark.stats.data:
            unsampled.append(benchmark.fullname)
        else:
            try:
                record = _record(benchmark)
            except ValidationError as error:
                damaged.append(f"{path.name}, {benchmark.fullname}: {reason(error)}")
                continue
            key = key_on_any(record.point)
            if key in measured:
                earlier, _ = measured.pop(key)
                damaged.append(
                    f"{path.name}, {earlier}: {name(record.point)}: measured again by "
                    f"{benchmark.fullname}, so not read"
                )
            measured[key] = benchmark.fullname, record
    if foreign:
        damaged.append(
            f"{path.name}: not of the fixture attention_benchmark, so not read: {_listed(foreign)}"
        )
    if unsampled:
        damaged.append(
            f"{path.name}: saved without samples, so not read: {_listed(unsampled)}; add "
            "--benchmark-save-data to --benchmark-save, or use --benchmark-json"
        )
    if not measured:
        found = "; ".join(damaged) or "there is no benchmark in it"
        raise RunFileError(f"{path}: {found}; {EXPECTED}")
    records = [record for _, record in measured.values()]
    return Run(path, _environment(path, saved), records, damaged)


def _benchmark(point: Tracked) -> dict[str, Any]:
    record = point.record
    assert record.latency is not None  # it is ok
    return {
        "group": setting(record.point),
        "name": point.name,
        "fullname": point.name,
        "params": record.point.model_dump(mode="json"),
        "param": attention(record.point),
        "extra_info": extra_info(record),
        "options": {},
        "stats": stats([sample / 1e3 for sample in record.latency.samples_ms]),
    }


def _record(benchmark: Benchmark) -> Record:
    known = benchmark.extra_info[KEY]
    samples = [1e3 * sample for sample in benchmark.stats.data]
    if isinstance(known, dict) and isinstance(latency := known.get("latency"), dict):
        known = known | {"latency": latency | {"samples_ms": samples}}
    return Record.model_validate(known)


def _environment(path: Path, saved: Saved) -> Environment:
    """The environment that was saved; a commit that it does not know is pytest-benchmark's."""
    if saved.hatrick is None:
        raise RunFileError(f"{path}: it does not say where it was measured; {EXPECTED}")
    check_version(path, saved.hatrick.get("schema_version"))
    try:
        environment = Environment.model_validate(saved.hatrick)
    except ValidationError as error:
        raise RunFileError(f"{path}: {KEY}.{reason(error)}; {EXPECTED}") from error
    commit = saved.commit_info
    if environment.git_commit or commit.id in NO_COMMIT:
        return environment
    # Installed, this project has no commit; the tests that measured with it may have one.
    return environment.model_copy(update={"git_commit": commit.id, "git_dirty": commit.dirty})


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
