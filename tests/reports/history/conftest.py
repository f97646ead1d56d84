"""Histories made from the few figures that a test is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reports.history import store, summaries
from reports.history.series import Series, all_series
from reports.schema import Environment, Record


@pytest.fixture(scope="session")
def write_run() -> Callable[..., Path]:
    """Writes a run file: `write_run(path, environment, records)`."""

    def write(path: Path, environment: Environment, records: Sequence[Record]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [one.model_dump_json() for one in (environment, *records)]
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def build(
    tmp_path_factory: pytest.TempPathFactory, environment, record, write_run
) -> Callable[..., list[Series]]:
    """A history of one run a day, and its series: `build(runs)`.

    Each of `runs` is a dict: what `make_record` takes, or `records`, a list of records; and
    `environment`, changes of the run's. Run i is of commit `i` in seven digits, and more zeros.
    """

    def built(runs: Sequence[dict[str, Any]]) -> list[Series]:
        here = tmp_path_factory.mktemp("built")
        folder = here / "history"
        for i, changes in enumerate(runs):
            own = dict(changes)
            made = environment(
                **{
                    "run_id": f"run-{i}",
                    "created_at": environment().created_at + timedelta(days=i),
                    "git_commit": f"{i:07d}" + 33 * "0",
                }
                | own.pop("environment", {})
            )
            records = own.pop("records", None) or [record(**own)]
            store.add(write_run(here / "new" / f"{i}.jsonl", made, records), folder)
        found, refused = store.stored(folder)
        history = summaries.load(found)
        assert (refused, history.refused) == ([], [])
        return all_series(history)

    return built


@pytest.fixture(scope="session")
def shifted(build) -> Series:
    """A series of 20 runs, 1 ms, from run 10 on 1.1 ms with a new torch and more workspace."""
    runs: list[dict[str, Any]] = [
        {"median_ms": (1.1 if i >= 10 else 1.0) * (1 + 0.002 * (i % 3 - 1)), "seq_len": 8192}
        for i in range(20)
    ]
    for run in runs[10:]:
        run["workspace"] = 8192
        run["environment"] = {"packages": {"torch": "2.14.0+cpu", "numpy": "2.2.0"}}
    return build(runs)[0]
