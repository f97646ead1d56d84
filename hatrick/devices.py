"""What a device is called, and what else of it decides how fast an attention runs there.

`bench.device` has a model's name too, and must: the gate runs today's harness on a former state of
this package, which may lack this file.
"""

from __future__ import annotations

import platform
from pathlib import Path

import torch


def placed(device: torch.device | str | None) -> torch.device:
    """The device on which a layer runs that is made there: torch's default for None; for `meta`,
    where nothing runs, the CUDA GPU if there is one."""
    found = torch.get_default_device() if device is None else torch.device(device)
    if found.type != "meta":
        return found
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def model_name(device: torch.device) -> str:
    """The model of a device: what tells two of a kind apart."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return _cpu_model() if device.type == "cpu" else device.type


def _cpu_model() -> str:
    """The processor's model as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def threads(device: torch.device) -> int:
    """torch's intra-operator threads, by which a CPU's best chunk size goes; 0 on a GPU."""
    return torch.get_num_threads() if device.type == "cpu" else 0


def driver(device: torch.device) -> str:
    """Version of the NVIDIA driver; empty for a CPU, and where nobody can tell."""
    if device.type != "cuda":
        return ""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # not installed, or no NVML: both have errors of their own
        return ""
    try:
        return str(pynvml.nvmlSystemGetDriverVersion())
    finally:
        pynvml.nvmlShutdown()
