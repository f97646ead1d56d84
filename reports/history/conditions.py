"""What else than the code may have changed between two runs: versions, driver, threads, machine."""

from __future__ import annotations

from collections.abc import Mapping

from reports.schema import Environment

PACKAGES = ("torch", "triton", "xformers", "numpy")
"""Those that compute, or on whose kernels what is timed stands."""
ABSENT = "none"

Conditions = Mapping[str, str]
"""What was so in a run, by name; what a run does not have is not in it."""


def conditions(environment: Environment) -> Conditions:
    """All of an environment that may move a figure, but for the code itself."""
    packages = {name: environment.packages.get(name, "") for name in PACKAGES}
    found = {
        **packages,
        "driver": environment.driver,
        "CUDA": environment.cuda,
        "Python": environment.python,
        "OS": environment.os,
        "host": environment.host,
        "CPU": environment.cpu,
        "cores": str(environment.cpu_cores),
        "threads": str(environment.threads),
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
