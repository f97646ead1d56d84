"""What a gate is asked to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import variants
from bench.gate.request import BLOCKS, Request, request
from bench.spec import SpecError

MINE = """
import torch
from variants import register_core

for name in ("one", "two"):
    @register_core(name, uses_chunk_size=False)
    def attention(q, k, v, *, causal, chunk_size, key_padding_mask):
        return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v
"""


def asked(folder: Path, flags: dict[str, Any] | None = None, **changes: Any) -> Request:
    values: dict[str, Any] = {
        "command": "hatrick gate",
        "base": None,
        "baseline": None,
        "allow": None,
        "limit": None,
        "rate": 0.05,
        "blocks": BLOCKS,
        "exact": False,
        "settle": False,
        "folder": folder,
    }
    return request({"device": "cpu", **(flags or {})}, None, **values | changes)


def test_by_default_the_preset_is_compared_with_the_last_commit(tmp_path: Path) -> None:
    found = asked(tmp_path)
    assert found.base == "HEAD"
    assert found.spec.count
    assert (found.rules.limit, found.rules.rate, found.rules.blocks) == (0.05, 0.05, BLOCKS)


@pytest.mark.parametrize(("text", "limit"), [("3%", 0.03), ("0.03", 0.03), ("12.5%", 0.125)])
def test_a_limit_is_a_share(tmp_path: Path, text: str, limit: float) -> None:
    assert asked(tmp_path, limit=text).rules.limit == pytest.approx(limit)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"limit": "much"}, "--limit much: write 5% or 0.05"),
        ({"limit": "-1%"}, "above 0"),
        ({"limit": "nan"}, "--limit nan"),
        ({"rate": 0.5}, "--rate 0.5"),
        ({"rate": 0.0}, "--rate 0"),
        ({"blocks": 1}, "--blocks 1: two or more"),
        ({"allow": "device"}, "--allow is for --baseline"),
        ({"base": "main", "baseline": Path("a.jsonl")}, "give one"),
        ({"settle": True, "exact": True}, "give one of them"),
        ({"settle": True, "baseline": Path("a.jsonl")}, "give --base"),
    ],
)
def test_a_mistake_is_a_sentence(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        asked(tmp_path, **changes)


def test_one_allocator_at_a_time(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="--allocator: a gate takes one"):
        asked(tmp_path, {"allocator": "kept,system"})


def test_of_a_plug_in_all_that_it_registers_is_measured(
    tmp_path: Path, clean_registry: None
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    assert asked(tmp_path, {"plugin": str(file)}).spec.variants == ["one", "two"]


def test_named_variants_win_over_what_a_plug_in_registers(
    tmp_path: Path, clean_registry: None
) -> None:
    file = tmp_path / "other.py"
    file.write_text(MINE.replace("one", "three").replace("two", "four"))
    found = asked(tmp_path, {"plugin": str(file), "variants": "full,four"})
    assert found.spec.variants == ["full", "four"]
    assert "three" in variants.names()


def test_without_timings_there_are_no_blocks(tmp_path: Path) -> None:
    assert asked(tmp_path, exact=True, blocks=1).rules.blocks == 0
