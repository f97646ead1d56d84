"""One sentence on where a run was made, so that no document has to name the machine by hand."""

from __future__ import annotations

from collections.abc import Iterable

from reports import settings
from reports.frame import to_frame
from reports.runfile import Run
from reports.schema import Environment

PACKAGES = ("torch", "triton", "xformers", "reformer-pytorch", "local-attention", "transformers")
"""Those whose kernels or classes may be what was timed."""


def machine(run: Run) -> str:
    """Device, cores, versions, sizes, ways of measuring, commit and date of a run."""
    words = (place(run.environment), _sizes(run), version(run.environment))
    return f"{'; '.join(filter(None, words))}."


def place(environment: Environment) -> str:
    """Device, cores and versions, in words."""
    models = dict.fromkeys(environment.devices.values())
    on_cuda = any(device.startswith("cuda") for device in environment.devices)
    cpu = [environment.cpu] if on_cuda else []
    driver = [f"driver {environment.driver}, CUDA {environment.cuda}"] if on_cuda else []
    return ", ".join(
        [
            *models,
            *driver,
            *cpu,
            _counted(environment.cpu_cores, "core"),
            _counted(environment.threads, "thread"),
            *(
                f"{name} {environment.packages[name]}"
                for name in PACKAGES
                if name in environment.packages
            ),
        ]
    )


def _sizes(run: Run) -> str:
    frame = to_frame([run])
    if frame.empty:
        return ""
    ways = "allocator" if all(frame["device"] == "cpu") else "cache"
    fields = ("scope", "dtype", "batch", "dim", "heads", ways, "wait_policy")
    return ", ".join(
        _joined(settings.describe(row, [field]) for _, row in frame.iterrows()) for field in fields
    )


def version(environment: Environment) -> str:
    """The commit and when it was run, in words; without a checkout the digest of the sources."""
    commit = environment.git_commit[:12] or f"code {environment.code}"
    changed = " with changes" if environment.git_dirty else ""
    return f"commit {commit}{changed}, {environment.created_at:%Y-%m-%d}"


def _joined(words: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(words))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
