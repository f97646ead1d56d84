"""The noise floor of this machine: what the last selftest found, kept for the runs after it."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import platformdirs
import torch
from pydantic import Field

from reports.figures import Model
from reports.schema import Noise


class _Kept(Model):
    """Noise floors by where they were measured."""

    floors: dict[str, Noise] = Field(default_factory=dict)


def noise_file() -> Path:
    """Where noise floors are kept; the folder may not be there yet."""
    return platformdirs.user_state_path("hatrick-bench") / "noise.json"


def load_noise(device_name: str) -> Noise | None:
    """The noise floor of a device of this host under this torch; None if none was measured."""
    return _read().floors.get(_where(device_name))


def save_noise(noise: Noise) -> Path:
    """Keep a noise floor for the runs to come; where it is kept.

    Raises:
        OSError: the folder or the file cannot be written.
    """
    path = noise_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = _Kept(floors=_read().floors | {_where(noise.device_name): noise})
    # Renamed into place: a run that starts meanwhile reads the old file or the new one.
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(kept.model_dump_json(), "utf-8")
    fresh.replace(path)
    return path


def keep_noise(noise: Noise) -> str:
    """Keep a noise floor if its place can be written; in words, what became of it."""
    try:
        return f"Later runs on this machine carry its noise floor, from {save_noise(noise)}."
    except OSError as error:
        return (
            f"hatrick: the noise floor is not kept, {noise_file()} cannot be written "
            f"({error.strerror}); set XDG_STATE_HOME to a folder that can, or later runs go without"
        )


def _read() -> _Kept:
    try:
        return _Kept.model_validate_json(noise_file().read_text("utf-8"))
    except (OSError, ValueError):
        return _Kept()  # none yet, or of another version: the next selftest writes it anew


def _where(device_name: str) -> str:
    """What makes a noise floor one of its own."""
    return f"{platform.node()}, {device_name}, torch {torch.__version__}"
