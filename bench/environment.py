"""Where and how a run is made: the first line of its file."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from uuid import uuid4

import pynvml
import torch

from bench.device import cpu_model, memory_bytes, model_name
from bench.heap import ALLOCATORS
from bench.noise import load_noise
from bench.spec import SpecError, SweepSpec
from reports.schema import Environment
from variants.registry import is_plugin_file, plugin_origin

PACKAGES = ("torch", "triton", "xformers", "numpy", "scipy", "pandas", "plotly", "hatrick-bench")
PEERS = ("reformer-pytorch", "local-attention", "transformers", "einops")
"""Packages whose attention is measured beside this project's, where they are installed, and what
these compute with."""
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

WAIT_POLICIES: dict[str, dict[str, str]] = {
    "passive": {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0"},
    "system": {},
}
"""The environment variables that make idle threads behave so; `docs/measuring.md` has the evidence.

By default a thread of libgomp that has finished its part spins. Where anything else wants the core,
the threads then wait for each other's time slices, and a call takes many times as long, steadily.
Sleeping (`passive`) costs microseconds a parallel region instead. `system` leaves them as the
environment has it.
"""


def describe(command: str, spec: SweepSpec, devices: Sequence[torch.device]) -> Environment:
    """The environment of a run that starts now.

    Args:
        command: what was typed.
        spec: the merged sweep; a plug-in's version is a hash of its file or package.
        devices: those that are measured on, all of one model.
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
        devices={str(device): model_name(device) for device in devices},
        device_memory={str(device): memory_bytes(device) for device in devices},
        driver=_driver(),
        cuda=torch.version.cuda or "",
        python=platform.python_version(),
        packages={**dict(_versions()), **{plugin: _digest(plugin) for plugin in spec.plugin}},
        git_commit=commit,
        git_dirty=dirty,
        code=code_digest(),
        noise=load_noise(model_name(devices[0])),
        variables={
            name: value for name, value in sorted(os.environ.items()) if name.startswith(VARIABLES)
        },
    )


BOUND = {"OMP_PROC_BIND": "true", "OMP_PLACES": "cores"}
"""The environment variables that keep each thread on a core of its own.

Several workers that take turns are woken again and again, and where the kernel then puts their
threads is chance, which holds for a while: calls of equal code take longer in one process than in
another, for no reason of theirs.
"""


def worker_environment(allocator: str, wait_policy: str, *, bound: bool = False) -> dict[str, str]:
    """The environment variables of a worker.

    Args:
        allocator: a key of `bench.heap.ALLOCATORS`.
        wait_policy: a key of `WAIT_POLICIES`.
        bound: keep its threads where they are, unless the environment says where they go.
    """
    own = BOUND if bound else {}
    return {**own, **os.environ, **ALLOCATORS[allocator], **WAIT_POLICIES[wait_policy]}


def code_digest(overlay: Path | None = None) -> str:
    """Digest of this project's own sources: what a commit says only of a tree without changes.

    Args:
        overlay: a folder whose packages are used in place of the own ones, as far as it has them.
    """
    own = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for package in ("hatrick", "variants", "reports", "bench"):
        root = overlay if overlay is not None and (overlay / package).is_dir() else own
        for file in sorted((root / package).rglob("*.py")):
            digest.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


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
    if (cudnn := torch.backends.cudnn.version()) is not None:
        yield "cudnn", str(cudnn)  # what is loaded: torch may find another than it was built with
    for name in (*PACKAGES, *PEERS):
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _digest(plugin: str) -> str:
    """Of a plug-in's file; of all files of a package."""
    file = Path(plugin) if is_plugin_file(plugin) else plugin_origin(plugin)
    if file is None:
        raise SpecError(f"plug-in {plugin}: no file to be told by")
    files = sorted(file.parent.rglob("*.py")) if file.name == "__init__.py" else [file]
    digest = hashlib.sha256()
    for each in files:
        digest.update(each.read_bytes())
    return f"sha256 {digest.hexdigest()[:12]}"


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
