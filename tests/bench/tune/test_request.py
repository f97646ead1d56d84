from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.spec import SpecError
from bench.tune.request import Request
from reports.tuning.constraints import Constraints

Make = Callable[..., Request]


def broken(limits: Constraints, *figures: Any) -> str:
    """The reason of what they miss; empty if nothing."""
    missed = limits.miss(*figures)
    return missed.reason if missed else ""


def test_candidates_are_those_of_the_library_up_to_the_length(make_request: Make) -> None:
    asked = make_request("256,1k")
    assert asked.automatic
    assert asked.spec.chunk_size == [16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024]
    assert [each.point.chunk_size for each in asked.points(256)][-1] == 256
    assert {each.point.seq_len for each in asked.points(256)} == {256}


def test_a_users_own_chunk_sizes_are_taken_as_they_are(make_request: Make) -> None:
    asked = make_request("1k", chunk_size="100,50,2k")
    assert not asked.automatic
    assert [each.point.chunk_size for each in asked.points(1024)] == [50, 100]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"variants": "full"}, "full has no chunk size to choose.*hatrick, lsh, sliding_window"),
        ({"variants": "nothing"}, "no variant 'nothing'"),
        ({"variants": "hatrick,lsh"}, "--variant: a chunk size is chosen for one setting"),
        ({"dtype": "fp32,bf16"}, "--dtype: a chunk size is chosen for one setting"),
        ({"seq_len": "8"}, "--seq-len 8: shorter than the smallest chunk size that is tried, 16"),
        ({"seq_len": "64", "chunk_size": "128,256"}, "--seq-len 64: shorter than .* 128"),
        ({"backend": "flash"}, "no backend 'flash'"),
        ({"prefer": "beauty"}, "--prefer beauty: choose from latency, memory, distance"),
        ({"max_memory": "lots"}, "--max-memory lots: write 20GiB"),
        ({"max_memory": "0"}, "--max-memory 0"),
        ({"max_distance": -1.0}, "--max-distance -1: 0 or more"),
        ({"min_quality": 1.0}, "--min-quality and --max-quality bound what --quality"),
        ({"quality": Path("q.csv")}, "--quality needs a bound"),
        ({"quality": Path("none.csv"), "min_quality": 1.0}, "none.csv: cannot be read"),
        ({"heads": "3"}, "dim must be divisible by heads"),
    ],
)
def test_a_mistake_is_a_sentence(
    make_request: Make, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(SpecError, match=words):
        make_request(**changes)


@pytest.mark.parametrize(
    ("text", "size"), [("20GiB", 20 << 30), ("1.5 MiB", 3 << 19), ("1GB", 10**9), ("4096", 4096)]
)
def test_memory_is_read_with_its_unit(make_request: Make, text: str, size: int) -> None:
    asked = make_request(max_memory=text)
    assert asked.constrained
    assert asked.recorded["max_memory"] == size


def test_without_a_limit_nothing_is_constrained(make_request: Make) -> None:
    assert not make_request().constrained
    assert make_request(max_distance=0.0).constrained


def test_quality_is_read_from_its_file(make_request: Make, tmp_path: Path) -> None:
    file = tmp_path / "loss.csv"
    file.write_text("chunk_size,quality\n64,2.5\n128,2.25\n")
    limits = make_request(quality=file, max_quality=2.3).constraints
    assert broken(limits, 128, 1024, None, None) == ""
    assert "quality is 2.5" in broken(limits, 64, 1024, None, None)
    assert "not known" in broken(limits, 32, 1024, None, None)
