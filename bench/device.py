"""Which device a sweep runs on, and what it is called."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path

import psutil
import torch

from bench.spec import SpecError


def resolve(name: str) -> torch.device:
    """The device of that name, with its index; `auto` is the first CUDA GPU, else the CPU.

    Raises:
        SpecError: no such device here.
    """
    here = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if name == "auto":
        return torch.device("cuda:0" if "cuda:0" in here else "cpu")
    if (full := "cuda:0" if name == "cuda" else name) not in here:
        raise SpecError(f"no device {name!r} here; choose from auto, {', '.join(here)}")
    return torch.device(full)


def resolve_all(names: Sequence[str]) -> list[torch.device]:
    """The devices of those names, each once; `all` is every CUDA GPU.

    Raises:
        SpecError: no such device here, or devices that are not of one model.
    """
    count = torch.cuda.device_count()
    if "all" in names and not count:
        raise SpecError("--device all means all CUDA GPUs, and there is none here; choose cpu")
    given = [f"cuda:{index}" for index in range(count)] if "all" in names else names
    found = list(dict.fromkeys(resolve(name) for name in given))
    models = {str(device): model_name(device) for device in found}
    if len(set(models.values())) > 1:
        listed = ", ".join(f"{device} ({model})" for device, model in models.items())
        raise SpecError(
            f"{listed}: these devices are not of one model, so their figures must not share a "
            "curve; run one sweep for each model"
        )
    return found


def model_name(device: torch.device) -> str:
    """The model of a device: what tells two of a kind apart."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_model()


def cpu_model() -> str:
    """The processor's model as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def memory_bytes(device: torch.device) -> int:
    """All memory of a device, in use or not."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return int(psutil.virtual_memory().total)
