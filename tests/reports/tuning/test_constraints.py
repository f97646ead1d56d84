from __future__ import annotations

from typing import Any

import pytest

from reports.tuning.constraints import (
    ANY_LENGTH,
    Constraints,
    QualityError,
    nearest_miss,
    read_quality,
)


def broken(limits: Constraints, *figures: Any) -> str:
    """The reason of what they miss; empty if nothing."""
    missed = limits.miss(*figures)
    return missed.reason if missed else ""


def test_without_limits_nothing_is_broken():
    assert broken(Constraints(), 64, 4096, None, None) == ""


def test_memory_and_distance_say_by_how_much():
    limits = Constraints(max_memory_bytes=2**20, max_distance=0.5)
    assert broken(limits, 64, 4096, 2**20, 0.5) == ""
    memory = limits.miss(64, 4096, 3 * 2**19, 0.5)
    assert memory.share == pytest.approx(0.5)
    assert memory.reason == (
        "its workspace is 1.50 MiB, 50% above the 1.00 MiB that it may have at most"
    )
    assert broken(limits, 64, 4096, 2**20, 0.6).startswith("its distance to full is 0.600, 20%")


def test_of_two_the_worse_is_named_and_what_is_not_known_is_the_worst():
    limits = Constraints(max_memory_bytes=100, max_distance=0.5)
    assert "distance" in broken(limits, 64, 4096, 110, 0.9)
    assert "workspace" in broken(limits, 64, 4096, 1000, 0.9)
    unknown = limits.miss(64, 4096, 1000, None)
    assert unknown.share is None
    assert unknown.reason == (
        "its distance to full is not known, and 0.500 is what it may have at most"
    )


def test_quality_is_that_of_the_length_or_of_any():
    quality = {(ANY_LENGTH, 64): 0.8, (4096, 64): 0.6}
    least = Constraints(quality=quality, min_quality=0.75)
    assert broken(least, 64, 512, None, None) == ""
    assert least.miss(64, 4096, None, None).share == pytest.approx(0.2)
    assert "below the 0.75 that it may have at least" in broken(least, 64, 4096, None, None)
    assert "not known" in broken(least, 128, 4096, None, None)
    most = Constraints(quality=quality, max_quality=0.7)
    assert broken(most, 64, 4096, None, None) == ""
    assert "above the 0.7" in broken(most, 64, 512, None, None)


def test_the_nearest_miss_is_the_one_that_misses_by_least(contender):
    excluded = [
        contender(n, outcome="excluded", reason=f"reason {n}", miss=miss)
        for n, miss in ((16, None), (32, 0.4), (64, 0.1))
    ]
    assert nearest_miss(excluded) == "The nearest miss is n = 64: reason 64."
    assert nearest_miss([contender(64, 1.0)]) == ""


def written(tmp_path, text):
    path = tmp_path / "quality.csv"
    path.write_text(text)
    return path


def test_a_file_of_quality_with_and_without_lengths(tmp_path):
    plain = read_quality(written(tmp_path, "chunk_size, quality\n64, 0.5\n128, 0.25\n"))
    assert plain == {(ANY_LENGTH, 64): 0.5, (ANY_LENGTH, 128): 0.25}
    both = read_quality(written(tmp_path, "quality,seq_len,chunk_size\n0.5,4096,64\n"))
    assert both == {(4096, 64): 0.5}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("chunk,quality\n64,1\n", "its columns are chunk, quality; give a CSV"),
        ("chunk_size,quality,loss\n64,1,2\n", "its columns are"),
        ("chunk_size,quality\n", "it has no lines"),
        ("", "cannot be read"),
        ("chunk_size,quality\n64,1\n64.5,2\n", "line 3 is 64.5, 2"),
        ("chunk_size,quality\n64,good\n", "line 2 is 64, good"),
        ("chunk_size,quality\n64,\n", "line 2"),
        ("chunk_size,quality\n0,1\n", "line 2"),
        ("chunk_size,quality\n64,1\n64,2\n", "chunk size 64 is in it twice"),
        ("chunk_size,seq_len,quality\n64,8,1\n64,8,2\n", "chunk size 64 at T = 8 is in it twice"),
    ],
)
def test_a_file_that_is_none_says_what_is_wrong(tmp_path, text, says):
    with pytest.raises(QualityError, match=says):
        read_quality(written(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(QualityError, match="No such file"):
        read_quality(tmp_path / "gone.csv")
