"""What a test says of a benchmark, as a point."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch

import variants
from bench.one_benchmark import one_point, process_spec, registered_name
from bench.spec import SpecError


def test_the_defaults_are_a_sweeps_in_the_process_of_the_tests() -> None:
    point = one_point("hatrick", seq_len="1k", device="cpu").point
    assert (point.seq_len, point.dim, point.heads, point.batch) == (1024, 512, 8, 1)
    assert (point.chunk_size, point.direction, point.scope) == (128, "forward", "layer")
    assert (point.dtype, point.device, point.backend) == ("float32", "cpu", "auto")
    assert point.backend_used in variants.get("hatrick").backends
    assert (point.allocator, point.wait_policy, point.cache) == ("system", "system", "warm")


def test_on_cuda_it_is_bfloat16_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "bench.one_benchmark.resolve", lambda name: torch.device(name.replace("auto", "cuda"))
    )
    # The point itself is made on this machine's own device.
    assert one_point("full", seq_len=64).point.dtype == "bfloat16"
    assert one_point("full", seq_len=64, dtype="fp32").point.dtype == "float32"
    assert one_point("full", seq_len=64, device="cpu").point.dtype == "float32"


def test_every_field_reaches_the_point() -> None:
    fields: dict[str, Any] = {
        "seq_len": 48,
        "chunk_size": 16,
        "direction": "forward+backward",
        "causal": True,
        "backend": "plain",
        "scope": "core",
        "dtype": "float64",
        "device": "cpu",
        "dim": 32,
        "heads": 2,
        "batch": 3,
        "seed": 7,
    }
    point = one_point("lsh:rounds=2", **fields).point
    assert {name: getattr(point, name) for name in fields} == fields
    assert point.options["rounds"] == 2


def test_none_inherits_the_default() -> None:
    point = one_point("hatrick", seq_len=64, chunk_size=None, dtype=None, device="cpu").point
    assert (point.chunk_size, point.dtype) == (128, "float32")


@pytest.mark.parametrize(
    ("variant", "fields", "part"),
    [
        ("hatrik", {"seq_len": 64}, "no variant 'hatrik'; choose from"),
        ("lsh:round=2", {"seq_len": 64}, "did you mean 'rounds'?"),
        ("full", {}, "needs a length: seq_len=1024"),
        ("full", {"seq_len": 64, "seqlen": 3}, "no field 'seqlen'; it has seq_len, chunk_size"),
        ("full", {"seq_len": 64, "allocator": "kept"}, "no field 'allocator'"),
        ("full", {"seq_len": [64, 128]}, "seq_len=[64, 128]: Input should be a valid integer"),
        ("full", {"seq_len": 0}, "seq_len=0: Input should be greater than or equal to 1"),
        ("full", {"seq_len": "1m"}, "seq_len='1m': cannot read '1m' as a size"),
        ("full", {"seq_len": 64, "dtype": "int8"}, "no dtype 'int8'"),
        ("full", {"seq_len": 64, "direction": "back"}, "direction='back': Input should be"),
        ("full", {"seq_len": 64, "dim": 30}, "divisible"),
        ("full", {"seq_len": 64, "device": "tpu"}, "no device 'tpu' here"),
        ("full", {"seq_len": 64, "backend": "fused"}, "no backend 'fused'"),
    ],
)
def test_a_mistake_is_a_sentence(variant: str, fields: dict[str, Any], part: str) -> None:
    with pytest.raises(SpecError, match=re.escape(part)):
        one_point(variant, **fields)


def test_a_spec_takes_several_values_of_each() -> None:
    spec = process_spec({"variants": ["full"], "seq_len": "1k,2k", "direction": "forward"})
    assert spec.seq_len == [1024, 2048]
    assert spec.allocator == ["system"]


def test_a_registered_class_or_function_stands_for_its_name(registry: Any) -> None:
    @variants.register("mine")
    class Mine(variants.get("full")):  # type: ignore[misc]
        summary = "mine"

    @variants.register_core("my-core")
    def core(q: Any, k: Any, v: Any, *, causal: Any, chunk_size: Any, key_padding_mask: Any) -> Any:
        return v

    assert [registered_name(each) for each in (Mine, core, "any")] == ["mine", "my-core", "any"]


def test_what_is_not_registered_is_told_how() -> None:
    with pytest.raises(SpecError, match=r"not registered; put @register\('name'\) above the class"):
        registered_name(lambda q, k, v: v)
