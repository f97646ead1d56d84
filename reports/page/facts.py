"""Where and how a run was made, and the command that makes it again, as HTML."""

from __future__ import annotations

import json
from html import escape

from reports import units
from reports.runfile import Run


def facts(run: Run) -> str:
    """The environment of a run as HTML; empty facts are left out."""
    environment = run.environment
    commit = environment.git_commit + (", changed since" if environment.git_dirty else "")
    found = {
        "run": f"{environment.run_id} ({run.path.name})",
        "started": f"{environment.created_at:%Y-%m-%d %H:%M:%S %Z}".strip(),
        "devices": ", ".join(f"{name}: {model}" for name, model in environment.devices.items()),
        "CPU": f"{environment.cpu}, {environment.cpu_cores} cores usable, "
        f"{environment.threads} threads in torch",
        "memory": units.size(environment.memory_bytes),
        "host": f"{environment.host}, {environment.os}",
        "NVIDIA driver": environment.driver,
        "CUDA": environment.cuda,
        "Python": environment.python,
        "packages": _listed(environment.packages, " "),
        "commit": commit,
        "code": f"{environment.code} (digest of this project's sources)",
        "noise floor": noise_floor(run),
        "ceilings": ceilings(run),
        "variables": _listed(environment.variables, "="),
        "sweep": json.dumps(environment.spec, ensure_ascii=False),
    }
    items = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in found.items() if text
    )
    # Changes that were not committed are nowhere to be had.
    is_exact = environment.git_commit and not environment.git_dirty
    checkout = [f"git checkout {environment.git_commit}"] if is_exact else []
    commands = "\n".join([*checkout, environment.command])
    return (
        f'<dl class="facts">{items}</dl>'
        f"<h3>To repeat it</h3><pre><code>{escape(commands)}</code></pre>"
    )


def ceilings(run: Run) -> str:
    """The best rates that the devices of a run reached in it, in words; empty without any."""
    best: dict[tuple[str, str], tuple[float, float]] = {}
    for each in run.ceilings:
        flops, size = best.get((each.device, each.dtype), (0.0, 0.0))
        rates = (max(flops, each.flops_per_s), max(size, each.bytes_per_s))
        best[each.device, each.dtype] = rates
    return "; ".join(
        f"{device}, {dtype}: {flops / 1e9:,.3g} GFLOP/s in a large matrix product, "
        f"{size / 1e9:,.3g} GB/s in a large copy"
        for (device, dtype), (flops, size) in best.items()
    )


def noise_floor(run: Run) -> str:
    """How far apart two measurements of one point lie on the machine of a run, in words."""
    noise = run.environment.noise
    if noise is None:
        return "not measured: hatrick selftest"
    words = (
        f"two measurements of one point differ by up to {units.percent(noise.spread)} here "
        f"({noise.pairs} pairs, selftest of {noise.measured_at:%Y-%m-%d} on {noise.device_name})"
    )
    return words if noise.fit else f"{words}; this machine was found unfit to measure on"


def unfit(run: Run) -> str:
    """The warning that the selftest found the machine unfit; empty where it did not."""
    noise = run.environment.noise
    if noise is None or noise.fit:
        return ""
    return (
        f"The selftest of {noise.measured_at:%Y-%m-%d} found {noise.device_name} of "
        f"{run.environment.host} unfit to measure on; two measurements of one point differ by up "
        f"to {units.percent(noise.spread)}."
    )


def _listed(values: dict[str, str], joint: str) -> str:
    return ", ".join(f"{name}{joint}{value}" for name, value in sorted(values.items()))
