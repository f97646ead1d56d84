"""What else than the code may have changed between two runs: versions, driver, threads, machine."""

from __future__ import annotations

from collections.abc import Mapping

from reports.schema import Environment

BESIDE = ("scipy", "pandas", "plotly", "hatrick-bench")
"""Packages that a run names and that compute nothing of it; all others do: torch, cuDNN, the
packages that are compared with, and plug-ins, which are told by a digest."""
HOST = "host"
ABSENT = "none"

Conditions = Mapping[str, str]
"""What was so in a run, by name; what a run does not have is not in it."""


def exact_conditions(environment: Environment) -> Conditions:
    """What of an environment may move a figure without noise: versions, threads and the CPU."""
    found = {
        **{name: said for name, said in environment.packages.items() if name not in BESIDE},
        "driver": environment.driver,
        "CUDA": environment.cuda,
        "Python": environment.python,
        "CPU": environment.cpu,
        "threads": str(environment.threads),
    }
    return {name: value for name, value in found.items() if value}


def conditions(environment: Environment) -> Conditions:
    """All of an environment that may move a figure, but for the code itself."""
    found = {
        **exact_conditions(environment),
        "OS": environment.os,
        HOST: environment.host,
        "cores": str(environment.cpu_cores),
        "order of points": str(environment.spec.get("order", "")),
        **environment.variables,
    }
    return {name: value for name, value in found.items() if value}


def changes(before: Conditions, after: Conditions) -> list[str]:
    """What differs, as `torch 2.12.0 → 2.13.0`."""
    return [
        f"{name} {before.get(name, ABSENT)} → {after.get(name, ABSENT)}"
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]
