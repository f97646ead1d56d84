"""`hatrick selftest` as its user types it, with a report that is there already."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bench.cli import app
from bench.noise import load_noise
from bench.selftest.report import Check, Report
from reports.schema import Noise


def selftested(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: Report | BaseException
) -> Result:
    def run_selftest(device: object, say: object) -> Report:
        if isinstance(found, BaseException):
            raise found
        return found

    monkeypatch.setattr("bench.selftest.run.run_selftest", run_selftest)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    out = tmp_path / "self.json"
    return CliRunner().invoke(app, ["selftest", "--device", "cpu", "--out", str(out)])


def selftest_report(*, passed: bool) -> Report:
    return Report(
        measured_at=datetime(2026, 1, 2, tzinfo=UTC),
        device="cpu",
        device_name="a CPU",
        checks=[Check(name="memory is exact", found="0", limit="0", passed=passed)],
        noise=Noise(
            measured_at=datetime(2026, 1, 2, tzinfo=UTC),
            device_name="a CPU",
            spread=0.021,
            pairs=10,
            fit=passed,
        ),
        seconds=1.0,
    )


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 1)])
def test_a_selftest_is_shown_and_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, passed: bool, code: int
) -> None:
    found = selftest_report(passed=passed)
    result = selftested(monkeypatch, tmp_path, found)
    assert result.exit_code == code
    assert "The noise floor is 2.1%" in result.stdout
    assert Report.model_validate_json((tmp_path / "self.json").read_text("utf-8")) == found
    assert load_noise("a CPU") == found.noise


def test_a_selftest_survives_a_home_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file where the folder would be")
    result = selftested(monkeypatch, tmp_path, selftest_report(passed=True))
    assert result.exit_code == 0
    assert "the noise floor is not kept" in result.stderr
    assert (tmp_path / "self.json").exists()


def test_an_interrupted_selftest_keeps_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = selftested(monkeypatch, tmp_path, KeyboardInterrupt())
    assert result.exit_code == 130
    assert "nothing was kept" in result.stderr
    assert list(tmp_path.iterdir()) == []
