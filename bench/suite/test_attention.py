"""One benchmark for each registered attention and backend: `pytest --benchmark-only bench/suite`.

Third parties' are among them: of installed packages by their entry points, and of the files that
`--hatrick-plugin FILE` names. What this machine cannot run is skipped with the reason.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

import variants
from bench.attention_benchmark import AttentionBenchmark
from bench.one_benchmark import process_spec
from bench.points import expand, load_plugins
from bench.spec import SpecError
from hatrick.pytest_plugin import OPTIONS
from reports.schema import Point

SIZES: dict[str, Any] = {"dim": 256, "heads": 4}
"""Of the model: small, so that the whole suite takes no minute."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each point. Its id has all that the options change, or a saved run would be
    compared with one of other sizes."""
    try:
        points = list(_points(metafunc.config))
    except SpecError as error:
        raise pytest.UsageError(str(error)) from None
    metafunc.parametrize("point", points, ids=map(_id, points))


def test_attention(point: Point, attention_benchmark: AttentionBenchmark) -> None:
    """Its answer is right; how long it takes, `pytest-benchmark compare` compares."""
    attention_benchmark(
        point.variant,
        backend=point.backend,
        seq_len=point.seq_len,
        chunk_size=point.chunk_size,
        direction=point.direction,
        device=point.device,
        **SIZES,
    )


def _points(config: pytest.Config) -> Iterator[Point]:
    load_plugins(config.getoption("hatrick_plugin"))
    for who, why in variants.broken().items():
        warnings.warn(f"not loaded: {who}: {why}", stacklevel=1)
    given = {name.replace("-", "_"): config.getoption(f"--hatrick-{name}") for name in OPTIONS}
    for name in variants.names():
        backends = list(variants.get(name).backends)
        values = {"variants": [name], "backend": backends, **SIZES, **given}
        yield from (planned.point for planned in expand(process_spec(values)))


def _id(point: Point) -> str:
    chunk = "" if point.chunk_size is None else f"-n{point.chunk_size}"
    device = point.device.replace(":", "")
    return f"{point.variant}-{point.backend}{chunk}-T{point.seq_len}-{point.direction}-{device}"
