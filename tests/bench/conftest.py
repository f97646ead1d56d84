"""Points, cases and a plug-in whose attentions misbehave."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.case import Case, build
from bench.messages import Answer
from bench.supervisor import Supervisor
from reports.schema import Point
from variants import registry

MISBEHAVING = """
import os, signal, stat, subprocess, time
from pathlib import Path
import torch
import variants
from variants import register, register_core

HERE = Path(__file__)


def everything(query, key, *, causal, chunk_size):
    return torch.ones((), dtype=torch.bool).expand(query.shape[0], key.shape[0])


def misbehave(function):
    register_core(function.__name__, visible=everything)(
        lambda q, k, v, *, causal, chunk_size, key_padding_mask: function(q, k, v))
    return function


@misbehave
def sound(q, k, v):
    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v


@misbehave
def segfaults(q, k, v):
    os.kill(os.getpid(), signal.SIGSEGV)


CALLS = []


@misbehave
def segfaults_later(q, k, v):
    CALLS.append(1)
    return segfaults(q, k, v) if len(CALLS) > 20 else sound(q, k, v)


@misbehave
def exits(q, k, v):
    print("last words")
    os._exit(3)


@misbehave
def hangs(q, k, v):
    child = subprocess.Popen(["sleep", "600"])
    HERE.with_name("child").write_text(str(child.pid))
    time.sleep(600)


@misbehave
def raises(q, k, v):
    raise RuntimeError("no luck today")


@misbehave
def babbles(q, k, v):
    os.write(1, b"x" * 4_000_000)
    print("y" * 4_000_000)
    return sound(q, k, v)


@misbehave
def shortens(q, k, v):
    return v[:, :, :-1]


@misbehave
def breaks(q, k, v):
    return torch.where(torch.arange(v.shape[2])[:, None] == 3, torch.nan, v)


@misbehave
def errs(q, k, v):
    out = sound(q, k, v)
    out[0, 0, 5, 1] += 1e-3
    return out


@misbehave
def devours(q, k, v):
    return torch.empty(2**60)


@misbehave
def hoards(q, k, v):
    blocks = []
    while True:
        blocks.append(torch.ones(64 << 20, dtype=torch.uint8))


KEPT = []


@misbehave
def leaks(q, k, v):
    KEPT.append(sound(q, k, v))
    return KEPT[-1]


FORKED = []


@misbehave
def forks(q, k, v):
    if not FORKED:
        FORKED.append(1)
        os.fork()
    return sound(q, k, v)


@misbehave
def strays(q, k, v):
    lost = subprocess.Popen(["setsid", "--fork", "sleep", "601"])
    lost.wait()
    os._exit(4)


@misbehave
def scribbles(q, k, v):
    os.write(1, b"not an answer, line one\\n")
    for fd in range(3, 100):
        try:
            if stat.S_ISFIFO(os.fstat(fd).st_mode):
                os.write(fd, b"not an answer either\\n")
        except OSError:
            pass
    return sound(q, k, v)


@register("changes")
class Changes(variants.get("full")):
    summary = "changes its input in place"

    def forward(self, x, *, key_padding_mask=None):
        return super().forward(x.mul_(1.25), key_padding_mask=key_padding_mask)
"""


@pytest.fixture(scope="module")
def clean_registry() -> Iterator[None]:
    """Takes back what a test registers: other tests count the variants."""
    names, modules = dict(registry._variants), set(sys.modules)
    yield
    registry._variants.clear()
    registry._variants.update(names)
    for module in set(sys.modules) - modules:
        if module.startswith("hatrick_plugin_"):
            del sys.modules[module]


@pytest.fixture(scope="module")
def misbehaving(clean_registry: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plug-in file, loaded here too; a child that it leaves behind has its pid in `child`."""
    path = tmp_path_factory.mktemp("plugin") / "misbehaving.py"
    path.write_text(MISBEHAVING)
    registry.load_plugin(path)
    return path


@pytest.fixture
def make_point() -> Callable[..., Point]:
    """A small point of full attention on the CPU, with changes."""

    def make(**changes: Any) -> Point:
        values: dict[str, Any] = {
            "variant": "full",
            "backend": "auto",
            "backend_used": "sdpa",
            "scope": "layer",
            "direction": "forward",
            "batch": 2,
            "seq_len": 24,
            "dim": 16,
            "heads": 2,
            "chunk_size": None,
            "causal": False,
            "dtype": "float32",
            "device": "cpu",
            "device_name": "a CPU",
            "cache": "warm",
            "cuda_graph": False,
            "allocator": "kept",
            "wait_policy": "passive",
            "seed": 0,
        }
        return Point(**values | changes)

    return make


@pytest.fixture
def make_case(make_point: Callable[..., Point]) -> Callable[..., Case]:
    """That point built, with another function in place of the layer."""

    def make(function: Callable[..., Any] | None = None, **changes: Any) -> Case:
        case = build(make_point(**changes))
        if function is not None:
            case.function = function
        return case

    return make


@pytest.fixture(scope="module")
def supervisor(misbehaving: Path) -> Iterator[Supervisor]:
    """A worker that has loaded the misbehaving attentions."""
    with Supervisor([str(misbehaving)], seconds=0.001, timeout=60) as supervisor:
        yield supervisor


@pytest.fixture
def prepare(supervisor: Supervisor, make_point: Callable[..., Point]) -> Callable[[str], Answer]:
    """Has the worker prepare one of them."""

    def prepare(variant: str) -> Answer:
        point = make_point(variant=variant, backend_used="own", chunk_size=8)
        return supervisor.ask("prepare", point)

    return prepare


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """Whether a process ends within five seconds; one that nobody waited for has ended."""

    def gone(pid: int) -> bool:
        for _ in range(100):
            try:
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            except FileNotFoundError:
                return True
            if state == "Z":
                return True
            time.sleep(0.05)
        return False

    return gone


@pytest.fixture(autouse=True)
def no_ceilings(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Sweeps within a test's own process do not measure what the machine can do at most: it takes
    as long as all else in them. Tests with `ceilings` in their name do."""
    if "ceilings" not in request.node.name:
        monkeypatch.setattr("bench.sweep.ceilings", lambda device, dtypes: [])
