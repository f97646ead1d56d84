"""What a gate is asked to do, checked before anything is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import variants
from bench.device import resolve_all
from bench.gate.baseline import Baseline, read_baseline
from bench.gate.run import Rules
from bench.points import load_plugins
from bench.spec import SpecError, SweepSpec, merge

PRESET = "gate"
LIMITS = {"cpu": 0.05, "cuda": 0.02}
"""Relative slowdown that is allowed where none is named. Less than the least that anybody would
want to be told of on such a device, and more than the noise floor of a quiet one."""
BLOCKS = 6
GPU_SECONDS = 1.5
"""For a point on a GPU, where a turn repeats to a fraction of a percent, if nothing else is asked
for."""


@dataclass(frozen=True)
class Request:
    """A gate, as it was asked for."""

    command: str
    """What was typed."""
    spec: SweepSpec
    registered: bool
    """The variants are all that the plug-ins register, on either side."""
    rules: Rules
    base: str
    """A git ref, a folder, `installed` or a release; empty where there is a baseline."""
    baseline: Baseline | None
    allow: Sequence[str]
    folder: Path
    """Where it was called."""


def request(
    flags: Mapping[str, Any],
    file: Path | None,
    *,
    command: str,
    base: str | None,
    baseline: Path | None,
    allow: str | None,
    limit: str | None,
    rate: float,
    blocks: int,
    exact: bool,
    settle: bool,
    folder: Path,
) -> Request:
    """Check what was typed.

    Args:
        flags: keys of a spec, as `bench.spec.merge` takes them.
        limit: such as `5%` or `0.05`; None: that of the device.

    Raises:
        SpecError: a mistake in it.
        RunFileError: the baseline is no run file.
    """
    if base is not None and baseline is not None:
        raise SpecError("--base and --baseline are two ways to name what to compare with: give one")
    if allow is not None and baseline is None:
        raise SpecError("--allow is for --baseline: two states of the code run on one machine")
    if settle and baseline is not None:
        raise SpecError(
            "--settle takes more of base and head, and a stored run has no more: give --base"
        )
    if settle and exact:
        raise SpecError("--settle takes more samples, and --exact takes none: give one of them")
    if not exact and blocks < 2:
        raise SpecError(f"--blocks {blocks}: two or more are needed to see any noise")
    if not 0 < rate <= 0.05:
        raise SpecError(f"--rate {rate:g}: a false discovery rate above 0 and at most 0.05")
    stored = None if baseline is None else read_baseline(baseline)
    spec, registered = _spec(flags, file, stored)
    for key in ("allocator", "wait_policy"):
        if len(getattr(spec, key)) > 1:
            raise SpecError(f"--{key.replace('_', '-')}: a gate takes one, not several")
    device = resolve_all(spec.device)[0]
    if device.type == "cuda" and file is None and not flags.get("seconds"):
        spec = spec.model_copy(update={"seconds": min(spec.seconds, GPU_SECONDS)})
    rules = Rules(
        limit=LIMITS[device.type] if limit is None else _share(limit),
        rate=rate,
        blocks=0 if exact else blocks,
        settle=settle,
    )
    allowed = [] if allow is None else [name.strip() for name in allow.split(",")]
    name = base or ("" if stored else "HEAD")
    return Request(command, spec, registered, rules, name, stored, allowed, folder)


def _spec(
    flags: Mapping[str, Any], file: Path | None, stored: Baseline | None
) -> tuple[SweepSpec, bool]:
    """Of a baseline its own points, unless others are asked for; of plug-ins what they register,
    and whether it is that."""
    if stored is not None and file is None and flags.get("preset") is None:
        own = stored.spec.model_dump(mode="json")
        given = {key: value for key, value in flags.items() if value is not None}
        spec, _ = merge(own | given, usual=PRESET)
    else:
        spec, _ = merge(flags, file, usual=PRESET)
    before = set(variants.names())
    load_plugins(spec.plugin)
    found = [name for name in variants.names() if name not in before]
    if found and flags.get("variants") is None and file is None and stored is None:
        return spec.model_copy(update={"variants": found}), True
    return spec, False


def _share(text: str) -> float:
    """`5%` or `0.05`."""
    number, percent = (text[:-1], 100) if text.endswith("%") else (text, 1)
    try:
        share = float(number) / percent
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise SpecError(f"--limit {text}: write 5% or 0.05, above 0 and below 100%")
    return share
