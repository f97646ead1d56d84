from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bench.points import expand, load_plugins
from bench.spec import SpecError, SweepSpec, merge, presets


@pytest.fixture
def fresh_plugins(registry: ModuleType) -> Iterator[None]:
    """Modules that register variants are imported anew, and forgotten."""
    loaded = set(sys.modules)
    yield
    for module in set(sys.modules) - loaded:
        if module.startswith("variants.peers"):
            del sys.modules[module]


def write(folder: Path, text: str) -> Path:
    path = folder / "spec.toml"
    path.write_text(text)
    return path


def test_flags_win_over_file_over_preset_over_defaults(tmp_path: Path) -> None:
    file = write(tmp_path, 'preset = "quick"\ndim = 32\nheads = 2\nseconds = 0.5\n')
    spec, preset = merge({"heads": "8", "dim": None}, file)
    assert preset == "quick"
    assert spec.heads == 8  # the flag, over the file's 2
    assert spec.dim == 32  # the file, over the preset's 64; a flag of None inherits
    assert spec.seq_len == [128, 256]  # the preset, over the built-in
    assert spec.timeout == SweepSpec().timeout  # the built-in


def test_the_preset_flag_wins_over_the_files(tmp_path: Path) -> None:
    file = write(tmp_path, 'preset = "quick"')
    assert merge({"preset": "default"}, file)[1] == "default"


@pytest.mark.parametrize(
    ("flags", "has_cuda", "expected"),
    [
        ({}, False, "default"),
        ({}, True, "gpu"),
        ({"device": "cpu"}, True, "default"),
        ({"preset": "quick"}, True, "quick"),
    ],
)
def test_preset_that_nobody_named(flags: dict[str, Any], has_cuda: bool, expected: str) -> None:
    assert merge(flags, has_cuda=has_cuda)[1] == expected


@pytest.mark.parametrize("text", ["4k,4096,128K", " 4k , 128k ", "4096,131072"])
def test_lengths_in_flags(text: str) -> None:
    assert merge({"seq_len": text})[0].seq_len == [4096, 131072]


def test_lengths_lists_and_single_values_in_toml(tmp_path: Path) -> None:
    text = 'seq_len = ["4k", 100]\nchunk_size = 64\ndim = "1k"\ncausal = [true, false]\n'
    spec, _ = merge({}, write(tmp_path, text))
    assert (spec.seq_len, spec.chunk_size, spec.dim) == ([4096, 100], [64], 1024)
    assert spec.causal == [True, False]


def test_short_names_of_dtypes_are_torchs_names() -> None:
    spec, _ = merge({"dtype": "bf16,fp32,float32", "causal": "true,false"})
    assert spec.dtype == ["bfloat16", "float32"]
    assert spec.causal == [True, False]


def test_devices_and_settings_of_the_worker_are_lists() -> None:
    spec, _ = merge({"device": "cuda:0, cuda:1", "allocator": "kept,system"})
    assert spec.device == ["cuda:0", "cuda:1"]
    assert (spec.allocator, spec.wait_policy) == (["kept", "system"], ["passive"])


def test_times_in_flags_and_in_toml(tmp_path: Path) -> None:
    spec, _ = merge({"seconds": "0.5", "timeout": "90s"}, write(tmp_path, "budget = 600"))
    assert (spec.seconds, spec.timeout, spec.budget) == (0.5, 90.0, 600.0)


def test_plugins_of_a_file_are_relative_to_it(tmp_path: Path) -> None:
    spec, _ = merge({}, write(tmp_path, 'plugin = "mine.py"'))
    assert spec.plugin == [str(tmp_path / "mine.py")]


def test_modules_of_a_file_stay_as_they_are(tmp_path: Path) -> None:
    text = 'plugin = ["variants.peers", "mine.py", "near/mine", "mine"]'
    spec, _ = merge({}, write(tmp_path, text))
    files = [str(tmp_path / "mine.py"), str(tmp_path / "near/mine")]
    assert spec.plugin == ["variants.peers", *files, "mine"]


@pytest.mark.parametrize(
    ("flags", "parts"),
    [
        ({"seq_len": "4q"}, ["--seq-len", "'4q'", "4096 or 4k"]),
        ({"seq_len": ""}, ["--seq-len", "at least 1"]),
        ({"dtype": "bf17"}, ["--dtype", "'bf17'", "bfloat16", "bf16"]),
        ({"direction": "backward"}, ["--direction", "'forward+backward'", "'backward'"]),
        ({"causal": "maybe"}, ["--causal", "'maybe'"]),
        ({"scope": "everything"}, ["--scope", "'layer' or 'core'"]),
        ({"heads": "0"}, ["--heads", "greater than or equal to 1"]),
        ({"seconds": "nan"}, ["--seconds", "nan"]),
        ({"target": "0"}, ["--target", "greater than 0"]),
        ({"order": "random"}, ["--order", "'interleaved' or 'sequential'", "'random'"]),
        ({"refine": "all"}, ["--refine", "'crossovers'", "'all'"]),
        ({"cache": "hot"}, ["--cache", "'auto', 'cold' or 'warm'", "'hot'"]),
        ({"allocator": "kept,tidy"}, ["--allocator", "'kept' or 'system'", "'tidy'"]),
        ({"wait_policy": "busy"}, ["--wait-policy", "'passive' or 'system'", "'busy'"]),
        ({"timeout": "0"}, ["--timeout", "greater than 0"]),
        ({"out": "run.html"}, ["--out", "ends in .jsonl", "'run.html'"]),
        ({"preset": "huge"}, ["'huge'", "default, gate, gpu, gpu-peers-full", "quick"]),
    ],
)
def test_a_wrong_value_says_where_what_and_what_is_allowed(
    flags: dict[str, str], parts: list[str]
) -> None:
    with pytest.raises(SpecError) as caught:
        merge(flags)
    for part in parts:
        assert part in str(caught.value)


def test_a_typo_in_a_key_names_file_key_nearest_and_all(tmp_path: Path) -> None:
    file = write(tmp_path, "seqlen = [128]")
    with pytest.raises(SpecError) as caught:
        merge({}, file)
    message = str(caught.value)
    assert str(file) in message
    assert "'seqlen'" in message
    assert "did you mean 'seq_len'?" in message
    assert all(key in message for key in (*SweepSpec.model_fields, "preset"))


def test_a_wrong_value_in_a_file_names_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, "heads = -1")
    with pytest.raises(SpecError, match="heads: ") as caught:
        merge({}, file)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("content", [b"seq_len = [1,", b"\xff\xfe", b"dim = 1\ndim = 2"])
def test_a_file_that_is_no_toml(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "spec.toml"
    file.write_bytes(content)
    with pytest.raises(SpecError, match="not a TOML file"):
        merge({}, file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"none\.toml: cannot be read"):
        merge({}, tmp_path / "none.toml")


def test_presets_that_ship() -> None:
    peers = [f"peers-{what}" for what in ("full", "hatrick", "lsh", "window")]
    on_gpu = [f"gpu-{name}" for name in peers]
    on_gpu += ["gpu-tune"]
    ours = ["backends", "default", "gate", "gpu"]
    assert presets() == [*ours, *on_gpu, *peers, "quick", "scaling", "tune"]


@pytest.mark.parametrize("preset", presets())
def test_every_preset_parses_and_expands(preset: str, fresh_plugins: None) -> None:
    spec, _ = merge({"preset": preset, "device": "cpu"})
    load_plugins(spec.plugin)
    planned = expand(spec)
    assert {each.point.variant for each in planned} == {v.split(":")[0] for v in spec.variants}
    assert {each.point.seq_len for each in planned} == set(spec.seq_len)


def test_the_gpu_preset_is_what_it_says() -> None:
    spec, _ = merge({}, has_cuda=True)
    assert (spec.dtype, spec.dim, spec.heads) == (["bfloat16"], 1024, 16)
    assert (min(spec.seq_len), max(spec.seq_len)) == (1024, 131072)
    assert (min(spec.chunk_size), max(spec.chunk_size)) == (64, 1024)
    assert spec.direction == ["forward", "forward+backward"]


@pytest.mark.parametrize("what", ["full", "hatrick", "lsh", "window"])
def test_the_peers_presets_measure_both_directions_beside_our_own(
    what: str, fresh_plugins: None
) -> None:
    for name, dtype in ((f"peers-{what}", "float32"), (f"gpu-peers-{what}", "bfloat16")):
        spec, _ = merge({"preset": name, "device": "cpu"})
        assert (spec.plugin, spec.dtype) == (["variants.peers"], [dtype])
        assert spec.direction == ["forward", "forward+backward"]
        own = {"window": "sliding_window"}.get(what, what)
        assert any(each.split(":")[0] == own for each in spec.variants)


def test_without_the_packages_a_peers_point_says_what_to_install(
    fresh_plugins: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_plugins(["variants.peers"])
    monkeypatch.setattr("variants.peers.peer.find_spec", lambda _: None)
    planned = expand(merge({"preset": "peers-lsh", "device": "cpu"})[0])
    reasons = {each.point.variant: each.unsupported for each in planned}
    install = "is not installed; pip install 'hatrick-bench[peers]'"
    assert reasons == {
        "lsh": "",
        "reformer_pytorch": f"reformer-pytorch {install}",
        "hf_reformer": f"transformers {install}",
    }
