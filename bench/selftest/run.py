"""The selftest: all checks, one after another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TypeVar

import torch

from bench.device import model_name
from bench.selftest.clocks import check_clocks
from bench.selftest.linearity import check_linearity
from bench.selftest.memory import check_memory
from bench.selftest.noise import check_noise
from bench.selftest.overhead import check_overhead
from bench.selftest.report import Check, Report
from bench.spec import SpecError

Found = TypeVar("Found")


def run_selftest(device: torch.device, say: Callable[[str], None]) -> Report:
    """Check the machine and the harness. A check that raises is a failed one, with its reason.

    Args:
        say: is told what is being done.
    """
    if device.type == "cuda":
        # Events, streams and Triton's timer are those of the current device.
        torch.cuda.set_device(device)
    started, start = datetime.now(UTC), monotonic()
    say("Clock: twice the work, and independent timers")
    linearity = _tried("twice the work takes twice the time", lambda: check_linearity(device))
    clocks = _tried("the clock agrees with independent ones", lambda: check_clocks(device))
    say("Memory: known peaks")
    memory = _tried("memory is exact", lambda: check_memory(device))
    pairs = _tried("two measurements of one point agree", lambda: check_noise(device, say))
    say("Overhead: a part of the preset's sweep")
    overhead = _tried("a sweep's time is spent measuring", lambda: check_overhead(device))
    if isinstance(overhead, Check):
        overhead = overhead.model_copy(update={"of": "harness"})

    noise_check, noise = (pairs, None) if isinstance(pairs, Check) else pairs
    machine = [linearity, *([clocks] if isinstance(clocks, Check) else clocks), memory, noise_check]
    fit = all(check.passed for check in machine)
    return Report(
        measured_at=started,
        device=str(device),
        device_name=model_name(device),
        checks=[*machine, overhead],
        noise=noise.model_copy(update={"fit": fit}) if noise else None,
        seconds=monotonic() - start,
    )


def check_writable(out: Path) -> None:
    """Make sure that a report can be written there; nothing is left behind.

    Raises:
        SpecError: it cannot, or the name is that of another kind of file, which is not replaced.
    """
    if out.suffix != ".json":
        raise SpecError(f"--out names a file for the figures, FILE.json; got {out}")
    is_new = not out.exists()
    try:
        out.open("ab").close()
        if is_new:
            out.unlink()
    except OSError as error:
        raise SpecError(f"{out} cannot be written ({error.strerror})") from None


def _tried(name: str, check: Callable[[], Found]) -> Found | Check:
    """What a check found, or a failed one where it could not be made: no Triton, no memory."""
    try:
        return check()
    except Exception as error:  # the other checks say all the same what they find
        lines = str(error).strip().splitlines() or ["no reason given"]
        reason = f"could not be checked: {type(error).__name__}: {lines[0][:300]}"
        return Check(name=name, found=reason, limit="", passed=False)
