"""Where and how a run is made: the first line of its file."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from uuid import uuid4

import pynvml
import torch

from bench.device import cpu_model
from bench.spec import SweepSpec
from reports.schema import Environment, Point

PACKAGES = ("torch", "triton", "xformers", "numpy", "scipy", "pandas", "plotly", "hatrick-bench")
VARIABLES = (
    "ATEN_",
    "CUBLAS_",
    "CUDA_",
    "GOMP_",
    "KMP_",
    "LD_PRELOAD",
    "MALLOC_",
    "MKL_",
    "NVIDIA_",
    "OMP_",
    "PYTORCH_",
    "TORCH",
    "TRITON_",
    "XFORMERS_",
)
"""How the names of environment variables begin that change numbers."""

WORKER_VARIABLES = {
    "OMP_WAIT_POLICY": "passive",
    "GOMP_SPINCOUNT": "0",
    "MALLOC_MMAP_THRESHOLD_": str(4 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(8 << 30),
    "MALLOC_TOP_PAD_": str(64 << 20),
}
"""Set in the worker unless the user has set them; what holds is in the run file.

Threads: by default a thread of libgomp that has finished its part spins. Where anything else wants
the core, the threads then wait for each other's time slices, and a call takes tens to hundreds of
times as long, steadily. Sleeping costs microseconds a parallel region instead.

Memory: by default glibc's malloc gives large blocks back to the system, and learns from the blocks
it has seen freed which are large (mallopt(3), M_MMAP_THRESHOLD). A call then pays for page faults
or not by what ran before it: the first points of a sweep do, the same points at its end do not.
Kept memory makes a point's latency its own, and is what CUDA's caching allocator does anyway.
"""


def describe(command: str, spec: SweepSpec, points: Iterable[Point]) -> Environment:
    """The environment of a run that starts now.

    Args:
        command: what was typed.
        spec: the merged sweep; a plug-in's version is a hash of its file.
        points: those of the sweep; their devices are listed.
    """
    commit, dirty = _git(Path(__file__))
    return Environment(
        run_id=uuid4().hex[:12],
        created_at=datetime.now(UTC),
        command=command,
        spec=spec.model_dump(mode="json"),
        host=platform.node(),
        os=platform.platform(),
        cpu=cpu_model(),
        cpu_cores=cores(),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        threads=threads(),
        devices={point.device: point.device_name for point in points},
        driver=_driver(),
        cuda=torch.version.cuda or "",
        python=platform.python_version(),
        packages={**dict(_versions()), **{path: _digest(path) for path in spec.plugin}},
        git_commit=commit,
        git_dirty=dirty,
        variables={
            name: value
            for name, value in sorted(worker_environment().items())
            if name.startswith(VARIABLES)
        },
    )


def worker_environment() -> dict[str, str]:
    """The environment variables of the worker."""
    return WORKER_VARIABLES | os.environ


def cores() -> int:
    """Cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads() -> int:
    """torch's intra-operator threads in a worker: OMP_NUM_THREADS if set, else all cores."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return int(wanted) if wanted.isdigit() and int(wanted) else cores()


def _versions() -> Iterable[tuple[str, str]]:
    for name in PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _digest(path: str) -> str:
    return f"sha256 {hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]}"


def _driver() -> str:
    """Version of the NVIDIA driver; empty without one."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ""
    try:
        return str(pynvml.nvmlSystemGetDriverVersion())
    finally:
        pynvml.nvmlShutdown()


def _git(file: Path) -> tuple[str, bool]:
    """Commit of the checkout that tracks `file`, and whether tracked files differ from it."""
    # An installed copy may lie inside somebody else's checkout, which does not track it.
    if _git_says(file, "ls-files", "--error-unmatch", file.name) is None:
        return "", False
    commit = _git_says(file, "rev-parse", "HEAD")
    changes = _git_says(file, "status", "--porcelain", "--untracked-files=no")
    return commit or "", bool(changes)


def _git_says(file: Path, *arguments: str) -> str | None:
    """What git prints, or None where it fails or is not there."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=file.parent, capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
