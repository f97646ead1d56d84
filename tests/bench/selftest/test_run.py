from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.selftest import run as module
from bench.selftest.report import Check, Report
from bench.selftest.run import check_writable, run_selftest
from bench.spec import SpecError
from reports.schema import Noise

CPU = torch.device("cpu")
NOISE = Noise(
    measured_at=datetime(2026, 1, 2, tzinfo=UTC),
    device_name="a CPU",
    spread=0.02,
    pairs=10,
    fit=True,
)


def check(name: str, passed: bool = True, **more: Any) -> Check:
    return Check(name=name, found="1", limit="1", passed=passed, **more)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What each check will find; an exception is raised."""
    found: dict[str, Any] = {
        "check_linearity": check("twice"),
        "check_clocks": [check("product"), check("attention")],
        "check_memory": check("memory"),
        "check_noise": (check("pairs"), NOISE),
        "check_overhead": check("overhead", of="harness"),
    }

    def answer(name: str) -> Any:
        if isinstance(found[name], BaseException):
            raise found[name]
        return found[name]

    for name in found:
        monkeypatch.setattr(module, name, lambda *_, name=name: answer(name))
    return found


def selftest() -> Report:
    return run_selftest(CPU, say=lambda line: None)


def test_all_checks_are_made(found: dict[str, Any]) -> None:
    report = selftest()
    names = [each.name for each in report.checks]
    assert names == ["twice", "product", "attention", "memory", "pairs", "overhead"]
    assert report.passed
    assert report.noise == NOISE


@pytest.mark.parametrize("name", ["check_linearity", "check_clocks", "check_memory", "check_noise"])
def test_a_check_that_raises_is_a_failed_one_and_the_others_are_made(
    found: dict[str, Any], name: str
) -> None:
    found[name] = ModuleNotFoundError("No module named 'triton'\nmore")
    report = selftest()
    (failed,) = (each for each in report.checks if not each.passed)
    reason = "ModuleNotFoundError: No module named 'triton'"
    assert failed.found == f"could not be checked: {reason}"
    assert not report.fit
    if name == "check_noise":
        assert report.noise is None
    else:
        assert report.noise is not None
        assert not report.noise.fit


@pytest.mark.parametrize("overhead", [RuntimeError("no"), check("overhead", False, of="harness")])
def test_the_machine_is_fit_whatever_the_harness_costs(
    found: dict[str, Any], overhead: object
) -> None:
    found["check_overhead"] = overhead
    report = selftest()
    assert report.noise is not None
    assert report.noise.fit
    assert report.fit
    assert not report.passed


def test_ctrl_c_is_no_failed_check(found: dict[str, Any]) -> None:
    found["check_memory"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        selftest()


def test_the_device_that_is_asked_for_is_made_the_current_one(
    found: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    current: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    monkeypatch.setattr(module, "model_name", lambda device: "a GPU")
    run_selftest(torch.device("cuda:1"), say=lambda line: None)
    assert current == [torch.device("cuda:1")]


def test_a_place_that_can_be_written_stays_as_it_was(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text("{}")
    check_writable(old)
    check_writable(tmp_path / "new.json")
    assert [path.name for path in tmp_path.iterdir()] == ["old.json"]
    assert old.read_text() == "{}"


@pytest.mark.parametrize(
    ("name", "part"),
    [("run.jsonl", "FILE.json; got"), ("none/a.json", "No such file"), ("d.json", "directory")],
)
def test_a_place_that_cannot_is_a_mistake(tmp_path: Path, name: str, part: str) -> None:
    (tmp_path / "d.json").mkdir()
    with pytest.raises(SpecError, match=part):
        check_writable(tmp_path / name)
