"""Profiles and calibrations for tests, of this machine unless told otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import torch

from hatrick.chunk_size.calibration import Calibration
from hatrick.chunk_size.identity import code_identity, software
from hatrick.chunk_size.profile import Evidence, Law, Origin, Profile, Setting, Tuned
from hatrick.chunk_size.wanted import Wanted
from hatrick.devices import model_name, threads

CPU = torch.device("cpu")
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SIZES = (16, 32, 48, 64, 96, 128, 192, 256)


def tuned(seq_len: int, chunk_size: int, *, day: int = 0, **changes: Any) -> Tuned:
    """One length, with evidence for all usual chunk sizes up to it."""
    sizes = sorted({chunk_size, *(size for size in SIZES if size <= seq_len)})
    values: dict[str, Any] = {
        "seq_len": seq_len,
        "chunk_size": chunk_size,
        "latency_ms": 2.5,
        "confirmed": True,
        "evidence": [
            Evidence(chunk_size=size, ratio=1 if size == chunk_size else 1.25) for size in sizes
        ],
        "origin": Origin(
            created_at=START + timedelta(days=day),
            command="hatrick tune",
            git_commit="0123abc",
            run_id=f"run{day}",
        ),
    }
    return Tuned(**values | changes)


def setting(**changes: Any) -> Setting:
    """A small HATrick layer on this CPU."""
    values: dict[str, Any] = {
        "variant": "hatrick",
        "backend": "auto",
        "device_name": model_name(CPU),
        "threads": threads(CPU),
        "dtype": "float32",
        "dim": 64,
        "heads": 4,
        "causal": False,
        "direction": "forward+backward",
        "batch": 1,
    }
    return Setting(**values | changes)


def profile(
    *lengths: Tuned,
    law: Law | None = None,
    constraints: dict[str, str | float] | None = None,
    changed: dict[str, str] | None = None,
    **changes: Any,
) -> Profile:
    """A profile of that layer with changes; `changed`: of its software."""
    return Profile(
        setting=setting(**changes),
        software=software(CPU, code_identity()).model_copy(update=changed or {}),
        constraints=constraints or {},
        lengths=list(lengths) or [tuned(1024, 48)],
        law=law,
    )


def law(**changes: Any) -> Law:
    """Least where n² = T: at n = 64 for T = 4096."""
    values: dict[str, Any] = {
        "fixed": 0.5,
        "per_token": 1e-3,
        "per_key": 1e-6,
        "per_cls": 1e-6,
        "per_chunk": 0,
        "per_pair": 0,
        "tail": 1.0,
        "factors": dict.fromkeys(SIZES, 1.0),
    }
    return Law(**values | {"since": 1024, "until": 4096, "lengths": 3, "error": 0.02} | changes)


def calibration(**changes: Any) -> Calibration:
    """A calibration of this CPU for HATrick."""
    values: dict[str, Any] = {
        "device_name": model_name(CPU),
        "threads": threads(CPU),
        "dtype": "float32",
        "direction": "forward+backward",
        "variant": "hatrick",
        "ms_per_flop": 1e-9,
        "ms_per_byte": 1e-7,
        "ms_per_chunk": 1e-3,
        "created_at": START,
        "command": "hatrick tune --calibrate",
        "samples": 30,
    }
    return Calibration(**values | changes)


def wanted(seq_len: int = 1024, **changes: Any) -> Wanted:
    """That layer, about to be made."""
    values = {"variant": "hatrick", "backend": "auto", "dim": 64, "heads": 4, "causal": False}
    return Wanted(**values | {"seq_len": seq_len, "code": code_identity()} | changes)
