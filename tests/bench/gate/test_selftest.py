"""The gate tried on code that is known to be spoilt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import variants
from bench.gate import selftest
from bench.gate.compare import Compared
from bench.gate.request import Request
from bench.gate.selftest import run_selftest
from bench.gate.sides import Code
from reports.gate.exact import Figures, exact_figures
from reports.gate.outcome import point_outcome, whole_outcome
from reports.gate.result import PointResult, Result, Side, Timing, Verdict
from reports.schema import Point, Status


def figures(status: Status = Status.OK) -> Figures:
    is_ok = status is Status.OK
    return Figures(
        status=status,
        reason="" if is_ok else "off",
        workspace_bytes=100 if is_ok else None,
        memory_source="cpu allocator events" if is_ok else None,
        counts=None,
        oracle_error=None,
        oracle_bound=None,
        distance_to_full=None,
    )


class Gate:
    """Finds what it is told to, and nothing where that is what it is for."""

    def __init__(self, make_point: Callable[..., Point], blind: str = "") -> None:
        self._make_point, self._blind = make_point, blind
        self.asked: list[tuple[str, int, list[str]]] = []

    def __call__(self, request: Request, base: Code, head: Code, watcher: Any) -> Compared:
        fault = head.side.name.rpartition(", ")[2] if head is not base else ""
        self.asked.append((fault, request.rules.blocks, list(request.spec.direction)))
        points = [self._point(name, fault) for name in ("hatrick", "full")]
        result = Result(
            created_at="2026-01-02T03:04:05Z",
            command="",
            base=base.side,
            head=head.side,
            environment={},
            asked_limit=0.05,
            limit=0.05,
            rate=0.05,
            noise=None,
            points=points,
            outcome=whole_outcome(points),
            seconds=1.0,
        )
        return Compared(result, [], {})

    def _point(self, variant: str, fault: str) -> PointResult:
        hit = variant == "hatrick" and fault != self._blind
        status = Status.DISAGREES if hit and fault == "wrong" else Status.OK
        after = figures(status)
        if hit and fault == "copies":
            after = Figures(**{**after.__dict__, "workspace_bytes": 200})
        ratio = 1.1 if hit and fault == "slower" else 1.0
        timing = Timing(
            blocks=[],
            base_ms=1.0,
            head_ms=ratio,
            ratio=ratio,
            low=ratio - 0.01,
            high=ratio + 0.01,
            null_ratio=None,
            p_slower=0.5,
            p_faster=0.5,
            verdict=Verdict.SLOWER if ratio > 1 else Verdict.SAME,
            limit=0.05,
            more_blocks=0,
        )
        exact = exact_figures(figures(), after)
        point = self._make_point(variant=variant)
        return PointResult(
            name=variant,
            base=point,
            head=point,
            base_status=Status.OK,
            head_status=status,
            exact=exact,
            timing=timing,
            outcome=point_outcome(exact, timing, ""),
        )


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch, make_point: Callable[..., Point]) -> Callable[..., Any]:
    """Runs the selftest with a gate that is blind to one fault."""

    def run(folder: Path, blind: str = "none") -> tuple[Any, Gate]:
        gate = Gate(make_point, blind)
        monkeypatch.setattr(selftest, "compare_codes", gate)
        code = Code(side=Side(name="here"), path=(), plugins=())
        monkeypatch.setattr(selftest, "head_code", lambda *_: code)
        monkeypatch.setattr(
            selftest, "spoilt", lambda _, fault: replace(code, side=Side(name=f"here, {fault}"))
        )
        return run_selftest({"device": "cpu"}, None, folder, watcher=object()), gate  # type: ignore[arg-type]

    return run


def test_a_gate_that_sees_everything_passes(tried: Callable[..., Any], tmp_path: Path) -> None:
    report, gate = tried(tmp_path)
    assert report.passed
    assert [fault for fault, _, _ in gate.asked] == ["", "slower", "copies", "wrong"]
    assert [blocks > 0 for _, blocks, _ in gate.asked] == [True, True, False, False]
    assert all(directions == ["forward"] for _, _, directions in gate.asked)


@pytest.mark.parametrize("fault", ["slower", "copies", "wrong"])
def test_a_gate_that_is_blind_to_a_fault_fails(
    tried: Callable[..., Any], tmp_path: Path, fault: str
) -> None:
    report, _ = tried(tmp_path, fault)
    failed = [check.name for check in report.checks if not check.passed]
    words = {"slower": "slowdown", "copies": "copy", "wrong": "wrong element"}
    assert len(failed) == 1
    assert words[fault] in failed[0]


def test_a_gate_that_flags_equal_code_fails(
    tried: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Gate, "_point", lambda self, name, _, old=Gate._point: old(self, name, "slower")
    )
    report, _ = tried(tmp_path)
    assert not report.checks[0].passed


def test_a_fault_is_in_the_code_of_its_side_alone(tmp_path: Path) -> None:
    asked = selftest._request({"device": "cpu"}, None, Path.cwd(), exact=True)
    code = selftest.spoilt(asked, "wrong")
    assert "faults.wrong import spoil" in (code.path[0] / "variants" / "hatrick.py").read_text()
    own = Path(variants.get("hatrick").__module__.replace(".", "/") + ".py")
    assert "spoil" not in (Path(variants.__file__).parents[1] / own).read_text()
