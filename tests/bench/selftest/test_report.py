from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from bench.selftest.report import Check, Report
from reports.schema import Noise

NOW = datetime(2026, 1, 2, tzinfo=UTC)
NOISE = Noise(measured_at=NOW, device_name="a CPU", spread=0.021, pairs=10, fit=True)


def report(*passed: bool, harness: bool = True, noise: Noise | None = NOISE) -> Report:
    return Report(
        measured_at=NOW,
        device="cpu",
        device_name="a CPU",
        checks=[
            Check(name=f"check {n}", found="1.5", limit="2", passed=each)
            for n, each in enumerate(passed)
        ]
        + [Check(name="overhead", found="70%", limit="60%", passed=harness, of="harness")],
        noise=noise,
        seconds=61.0,
    )


def text(found: Report) -> str:
    console = Console(file=StringIO(), width=100)
    console.print(found.table())
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_machine_that_passes_is_fit() -> None:
    found = report(True, True)
    assert found.fit
    assert found.passed
    assert "This machine is fit to measure on." in text(found)
    assert "noise floor is 2.1%" in text(found)


@pytest.mark.parametrize("failed", [0, 1])
def test_one_that_fails_a_check_is_not_and_the_words_say_which(failed: int) -> None:
    found = report(*(n != failed for n in range(2)))
    assert not found.fit
    assert not found.passed
    assert f"not fit to measure on as it is now: check {failed}." in " ".join(text(found).split())
    assert text(found).count("FAIL") == 1


def test_the_harness_makes_no_machine_unfit() -> None:
    found = report(True, harness=False)
    assert found.fit
    assert not found.passed
    words = " ".join(text(found).split())
    assert "This machine is fit to measure on. The harness takes more of a sweep's time" in words


def test_without_a_noise_floor_nothing_is_said_of_it() -> None:
    assert "noise floor" not in report(False, noise=None).verdict()
