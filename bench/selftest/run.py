"""The selftest: all checks, one after another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic

import torch

from bench.device import model_name
from bench.noise import save_noise
from bench.selftest.clocks import check_clocks
from bench.selftest.linearity import check_linearity
from bench.selftest.memory import check_memory
from bench.selftest.noise import check_noise
from bench.selftest.overhead import check_overhead
from bench.selftest.report import Report


def run_selftest(device: torch.device, say: Callable[[str], None]) -> Report:
    """Check the machine and the harness, and keep the noise floor for later runs.

    Args:
        say: is told what is being done.

    Raises:
        SpecError: a point of the selftest cannot be measured here.
    """
    started, start = datetime.now(UTC), monotonic()
    say("Clock: twice the work, and independent timers")
    checks = [check_linearity(device), *check_clocks(device)]
    say("Memory: known peaks")
    checks.append(check_memory(device))
    noise_check, noise = check_noise(device, say)
    checks.append(noise_check)
    say("Overhead: a part of the default sweep")
    checks.append(check_overhead(device))
    report = Report(
        measured_at=started,
        device=str(device),
        device_name=model_name(device),
        checks=checks,
        noise=noise.model_copy(update={"fit": all(check.passed for check in checks)}),
        seconds=monotonic() - start,
    )
    save_noise(report.noise)
    return report
