"""`python -m bench.operators` as its user types it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bench import operators
from bench.environment import code_digest
from bench.operators import CALLS, app, one_point
from bench.spec import SpecError, SweepSpec
from reports.operator_table import read_profile

SMALL = ["--seq-len", "64", "--chunk-size", "16", "--dim", "32", "--heads", "2", "--device", "cpu"]


def profiled(out: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, *SMALL, "--out", str(out)])


@pytest.fixture(autouse=True)
def short_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The course of a warm-up is the sampler's business."""
    monkeypatch.setattr("bench.operators.warm_up", lambda built, seconds: [])


@pytest.mark.parametrize("scope", ["layer", "core"])
def test_a_profile_of_a_small_point_reads_back_with_shares_of_the_whole(
    tmp_path: Path, scope: str
) -> None:
    out = tmp_path / "profile.json"
    flags = ["--direction", "forward+backward", "--scope", scope, "--dtype", "fp32"]
    result = profiled(out, "sliding_window", *flags)
    assert result.exit_code == 0, result.output
    profile = read_profile(out)
    assert sum(operator.share for operator in profile.operators) == pytest.approx(1)
    times = sum(operator.self_ms for operator in profile.operators)
    assert times == pytest.approx(profile.total_ms)
    assert profile.total_ms > 0
    assert profile.profiled_calls == CALLS
    point = profile.point
    assert (point.variant, point.seq_len, point.chunk_size) == ("sliding_window", 64, 16)
    assert (point.direction, point.scope, point.cache) == ("forward+backward", scope, "warm")
    assert profile.environment.code == code_digest()
    has_projections = any(operator.name == "aten::addmm" for operator in profile.operators)
    assert has_projections is (scope == "layer")


def test_options_and_the_plain_backend_are_named_as_in_a_sweep(tmp_path: Path) -> None:
    out = tmp_path / "profile.json"
    result = profiled(out, "hatrick:backend=plain")
    assert result.exit_code == 0, result.output
    assert read_profile(out).point.backend_used == "plain"


def test_several_points_are_refused_by_what_tells_them_apart() -> None:
    spec = SweepSpec(variants=["hatrick"], seq_len=[64, 128], chunk_size=[16], device=["cpu"])
    with pytest.raises(SpecError, match=r"these are 2; name one value of seq_len$"):
        one_point(spec)


def test_a_point_that_cannot_run_is_refused_with_the_reason() -> None:
    spec = SweepSpec(variants=["hatrick"], scope=["core"], seq_len=[64], device=["cpu"])
    with pytest.raises(SpecError, match=r"hatrick cannot run here: .*core"):
        one_point(spec)


@pytest.mark.parametrize(
    ("name", "message"), [("profile.txt", "FILE.json"), ("x/y.json", "written")]
)
def test_a_file_that_cannot_be_written_is_a_mistake_before_anything_is_measured(
    tmp_path: Path, name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.operators.profile_point", lambda *_: pytest.fail("measured"))
    result = profiled(tmp_path / name, "hatrick")
    assert result.exit_code == 2
    assert message in result.output


def test_a_process_without_a_workers_environment_is_replaced_by_one_that_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class ReplacedError(Exception):
        """`execve` does not return."""

    given: list[dict[str, str]] = []

    def execve(path: str, arguments: list[str], variables: dict[str, str]) -> None:
        assert (path, arguments) == (sys.executable, [sys.executable, "-m", "bench.operators", "x"])
        given.append(variables)
        raise ReplacedError

    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "bench.operators", "x"])
    monkeypatch.delenv("MALLOC_TOP_PAD_", raising=False)
    with pytest.raises(ReplacedError):
        operators.main()
    assert given[0]["MALLOC_TOP_PAD_"] == str(64 << 20)
    assert given[0]["OMP_WAIT_POLICY"] == "passive"

    for name, value in given[0].items():
        monkeypatch.setenv(name, value)
    ran: list[bool] = []
    monkeypatch.setattr(operators, "app", lambda: ran.append(True))
    operators.main()
    assert ran == [True]
