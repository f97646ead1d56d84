"""The fixture `attention_benchmark` and the suite, in real runs of pytest."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pytest_runs import MINE, QUICK, run_pytest

import reports
from reports.formats.pytest_benchmark import KEY

TESTS = """
import pytest
import variants

SMALL = {"dim": 32, "heads": 2, "device": "cpu"}


@variants.register("held")
class Held(variants.get("full")):
    summary = "of the test file itself"


def test_mine(attention_benchmark):
    attention_benchmark("mine", seq_len=64, plugin="mine.py", **SMALL)


def test_class(attention_benchmark):
    attention_benchmark(Held, seq_len=32, direction="forward+backward", **SMALL)


def test_another_group(benchmark, attention_benchmark):
    benchmark.group = "ours"
    attention_benchmark("hatrick", seq_len=64, chunk_size=16, **SMALL)


@pytest.mark.parametrize("name", ["wrong", "short", "unlucky"])
def test_fails(attention_benchmark, name):
    attention_benchmark(name, seq_len=32, plugin="mine.py", **SMALL)


def test_unknown(attention_benchmark):
    attention_benchmark("nobody", seq_len=32)


def test_unsupported(attention_benchmark):
    attention_benchmark("full", backend="xformers", seq_len=32, **SMALL)


def test_foreign(benchmark):
    benchmark(int)
"""

STATE = """
import gc

import pytest
import torch
from variants import register_core

SMALL = {"dim": 32, "heads": 2, "device": "cpu"}


def visible(i, j, *, causal, chunk_size):
    return j > -1


@register_core("compiled", uses_chunk_size=False, visible=visible)
def core(q, k, v, *, causal, chunk_size, key_padding_mask):
    return weighted(q, k, v)


@torch.compile(backend="eager")
def weighted(q, k, v):
    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v


def settings():
    config = torch._dynamo.config
    return config.automatic_dynamic_shapes, config.recompile_limit


@pytest.mark.parametrize("collecting", [True, False])
def test_settings(attention_benchmark, collecting):
    before = settings()
    (gc.enable if collecting else gc.disable)()
    try:
        attention_benchmark("full", seq_len=32 if collecting else 64, **SMALL)
        assert gc.isenabled() is collecting
    finally:
        gc.enable()
    assert settings() == before == (True, 8)


def test_code_that_the_user_has_compiled_stays_compiled(attention_benchmark):
    compiled = []

    def backend(graph, inputs):
        compiled.append(graph)
        return graph.forward

    double = torch.compile(lambda x: 2 * x, backend=backend)
    double(torch.ones(3))
    attention_benchmark("compiled", seq_len=32, **SMALL)
    double(torch.ones(3))
    assert len(compiled) == 1
    double(torch.ones(4))
    assert len(compiled) == 2


def test_compiled_again(attention_benchmark):
    attention_benchmark("compiled", seq_len=32, seed=1, **SMALL)
"""

OUTCOMES = {
    "test_mine": "PASSED",
    "test_class": "PASSED",
    "test_another_group": "PASSED",
    "test_fails[wrong]": "FAILED",
    "test_fails[short]": "FAILED",
    "test_fails[unlucky]": "FAILED",
    "test_unknown": "FAILED",
    "test_unsupported": "SKIPPED",
    "test_foreign": "PASSED",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody's project, with an attention of their own and its benchmarks."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "tests").mkdir()
    (folder / "tests" / "mine.py").write_text(MINE)
    (folder / "tests" / "test_mine.py").write_text(TESTS)
    return folder


@pytest.fixture(scope="module")
def measured(project: Path) -> subprocess.CompletedProcess[str]:
    return run_pytest(project, "tests", "-v", "-rs", "--benchmark-json=b.json", *QUICK)


@pytest.fixture(scope="module")
def saved(measured: object, project: Path) -> dict[str, Any]:
    document = json.loads((project / "b.json").read_text("utf-8"))
    return {benchmark["name"]: benchmark for benchmark in document["benchmarks"]}


def outcomes(text: str) -> dict[str, str]:
    return dict(re.findall(r"test_mine\.py::(\S+) (PASSED|FAILED|SKIPPED|ERROR)", text))


def test_right_ones_pass_wrong_ones_fail_and_others_are_skipped(
    measured: subprocess.CompletedProcess[str],
) -> None:
    assert outcomes(measured.stdout) == OUTCOMES


@pytest.mark.parametrize(
    "sentence",
    [
        r"^wrong: relative error 0\.\d+ against the oracle, at most \S+ expected$",
        r"^short: short must return a tensor of shape \(1, 2, 32, 16\), got \(1, 2, 31, 16\)$",
        r"^E +RuntimeError: no luck today$",
        r"^no variant 'nobody'; choose from full, hatrick",
        r"full:backend=xformers: xformers: xformers has no operator for cpu$",
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    measured: subprocess.CompletedProcess[str], sentence: str
) -> None:
    assert re.search(sentence, measured.stdout, re.MULTILINE), measured.stdout


def test_what_a_variant_raises_has_its_traceback(
    measured: subprocess.CompletedProcess[str],
) -> None:
    assert 'raise RuntimeError("no luck today")' in measured.stdout


def test_only_right_answers_are_timed(saved: dict[str, Any]) -> None:
    assert set(saved) == {"test_mine", "test_class", "test_another_group", "test_foreign"}
    for name in set(saved) - {"test_foreign"}:
        assert saved[name]["stats"]["rounds"] >= 5
        assert saved[name]["stats"]["iterations"] == 1


def test_all_that_was_counted_is_in_extra_info(saved: dict[str, Any]) -> None:
    info = saved["test_mine"]["extra_info"]
    assert info["backend_used"] == "own"
    # Input and output are 64 · 32 floats; a call takes more than its output.
    assert info["workspace_bytes"] > 4 * 64 * 32
    assert 0 < info["oracle_error"] < 1e-5
    assert info["distance_to_full"] < 1e-5
    # Four projections and two products of each of two heads.
    assert info["counts"]["flops"] == 2 * (4 * 64 * 32 * 32 + 2 * 2 * 64 * 64 * 16)
    assert saved["test_another_group"]["extra_info"]["flops"] > 0
    assert info[KEY]["point"]["seq_len"] == 64


def test_benchmarks_are_grouped_by_what_may_be_compared(saved: dict[str, Any]) -> None:
    assert saved["test_mine"]["group"].startswith("forward, T=64, batch=1, dim=32, heads=2")
    assert saved["test_another_group"]["group"] == "ours"


def test_the_file_is_read_as_a_run(saved: dict[str, Any], project: Path) -> None:
    run = reports.read_run(project / "b.json")
    (sentence,) = run.damaged
    assert "not of the fixture attention_benchmark, so not read: tests/test_mine.py::" in sentence
    variants = [record.point.variant for record in run.records]
    assert variants == ["mine", "held", "hatrick"]
    mine = run.records[0]
    assert mine.latency
    assert mine.latency.median_ms == pytest.approx(1e3 * saved["test_mine"]["stats"]["median"])
    assert (mine.latency.low_ms, mine.latency.stopped_by) == (None, "time")
    assert mine.point.allocator == mine.point.wait_policy == "system"
    environment = run.environment
    assert environment.command.startswith("pytest -p hatrick.pytest_plugin")
    assert environment.threads == 1
    (plugin,) = environment.spec["plugin"]
    assert plugin == str(project / "tests" / "mine.py")
    assert environment.packages[plugin].startswith("sha256 ")
    assert environment.packages["pytest-benchmark"]
    frame = reports.to_frame([run])
    assert frame["label"].tolist() == variants
    assert frame["workspace_bytes"].notna().all()


def test_switched_off_it_calls_once_and_still_checks(project: Path) -> None:
    done = run_pytest(project, "tests", "-v", "--benchmark-disable", "--benchmark-json=off.json")
    assert outcomes(done.stdout) == OUTCOMES
    assert "against the oracle" in done.stdout
    assert not (project / "off.json").exists()


def test_the_process_is_afterwards_as_it_was_found(tmp_path: Path) -> None:
    (tmp_path / "test_state.py").write_text(STATE)
    done = run_pytest(tmp_path, "-v", "--benchmark-json=b.json", *QUICK)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("PASSED") == 4
    # What a benchmark has compiled the next one compiles again: no figure tells what ran before.
    records = reports.read_run(tmp_path / "b.json").records
    spent = [record.latency.compile_ms for record in records if record.latency]
    assert [took > 0 for took in spent] == [False, False, True, True]
