"""The pytest plug-in: the fixture `attention_benchmark`, and the options of `bench/suite`.

pytest loads this in every environment where the project is installed, so it imports nothing heavy:
torch comes with the first benchmark. Nor does it import `bench`, `reports` or `variants` before: a
project may have something of its own by such a name, and its tests must run.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bench.attention_benchmark import AttentionBenchmark, Benchmark

OPTIONS = {
    "seq-len": ("512", "sequence lengths"),
    "chunk-size": ("64", "chunk sizes"),
    "direction": ("forward", "directions, of forward and forward+backward"),
    "device": ("auto", "device: auto, cpu, cuda or cuda:N"),
}
"""Of `bench/suite`, each with its default."""
NEEDED = ("bench", "reports", "variants")
"""Packages of this project that the fixture imports."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `bench/suite` measures, and plug-ins with attentions for any test."""
    group = parser.getgroup("hatrick", "attention benchmarks")
    group.addoption(
        "--hatrick-plugin",
        action="append",
        default=[],
        metavar="FILE",
        help="A Python file, or a module, that registers attentions. May be repeated.",
    )
    for name, (default, what) in OPTIONS.items():
        told = f"Of bench/suite: {what}. Default: {default}"
        group.addoption(f"--hatrick-{name}", default=default, metavar="A,B", help=told)


def pytest_configure(config: pytest.Config) -> None:
    """Choose the fixture by whether pytest-benchmark is there and not switched off."""
    there = hasattr(config.option, "benchmark_disable")
    config.pluginmanager.register(Timed() if there else Untimed(), "hatrick-fixture")


class Timed:
    """`attention_benchmark` over pytest-benchmark's fixture `benchmark`."""

    def __init__(self) -> None:
        self._devices: set[str] = set()
        self._plugins: set[str] = set()
        self._environment: dict[str, Any] = {}
        """Described once: all files of a session are of one run."""

    @pytest.fixture
    def attention_benchmark(
        self, benchmark: Benchmark, request: pytest.FixtureRequest
    ) -> Iterator[AttentionBenchmark]:
        """Benchmark an attention: attention_benchmark("mine", seq_len=1024, plugin="mine.py").

        Its output is checked against its oracle, its memory and operators are counted, and it is
        timed by pytest-benchmark. `help(bench.attention_benchmark.AttentionBenchmark.__call__)`
        tells what it takes.
        """
        if told := _shadowed():
            pytest.fail(told, pytrace=False)
        from bench.attention_benchmark import AttentionBenchmark

        fixture = AttentionBenchmark(benchmark, request)
        yield fixture
        self._devices |= fixture.devices
        self._plugins |= fixture.plugins

    def pytest_benchmark_update_json(
        self, config: pytest.Config, output_json: dict[str, Any]
    ) -> None:
        """Add where the attentions were measured to what pytest-benchmark saves."""
        if not self._devices:
            return
        from bench.attention_benchmark import describe_process
        from reports.formats.pytest_benchmark import KEY

        if not self._environment:
            command = shlex.join(["pytest", *config.invocation_params.args])
            found = describe_process(command, sorted(self._plugins), sorted(self._devices))
            self._environment = found.model_dump(mode="json")
        output_json[KEY] = self._environment


class Untimed:
    """`attention_benchmark` where there is nothing to time with."""

    @pytest.fixture
    def attention_benchmark(self) -> None:
        """Needs pytest-benchmark, which is not there."""
        pytest.fail(
            "attention_benchmark needs pytest-benchmark, which is not installed, or switched off "
            "by -p no:benchmark: pip install pytest-benchmark",
            pytrace=False,
        )


def _shadowed() -> str:
    """A sentence if something else than this project's is imported by a name that is needed."""
    for name in NEEDED:
        own, found = Path(__file__).parent.parent / name, _place(name)
        if found is not None and found.resolve() != own.resolve():
            return (
                f"attention_benchmark needs the package `{name}` of hatrick-bench, {own}, but "
                f"`import {name}` finds {found} here; rename that, or keep the folder it is in off "
                "sys.path"
            )
    return ""


def _place(name: str) -> Path | None:
    """The folder of a package, or the file of a module, that would be imported; it is not."""
    spec = find_spec(name)
    if spec is None:
        return None
    folders = list(spec.submodule_search_locations or ())
    place = folders[0] if folders else spec.origin
    return Path(place) if place else None
