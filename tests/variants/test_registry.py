"""Names, options, plug-ins, and what goes wrong with them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

import variants
from variants import AttentionConfig

CONFIG = AttentionConfig(8, 2, chunk_size=4)
PLUGIN = """
from variants import register_core
from torch.nn.functional import scaled_dot_product_attention

@register_core("mine")
def mine(q, k, v, *, causal, chunk_size, key_padding_mask):
    return scaled_dot_product_attention(q, k, v, is_causal=causal)
"""


@pytest.fixture
def write(tmp_path: Path, registry: ModuleType) -> Callable[[str], Path]:
    def write_plugin(text: str) -> Path:
        path = tmp_path / f"plugin_{len(list(tmp_path.iterdir()))}.py"
        path.write_text(text)
        return path

    return write_plugin


def test_a_file_registers_and_loading_it_twice_is_fine(write: Callable[[str], Path]) -> None:
    path = write(PLUGIN)
    assert variants.load_plugin(path) == ["mine"]
    assert variants.load_plugin(path) == ["mine"]
    assert "mine" in variants.names()
    assert isinstance(variants.create("mine", CONFIG), variants.Variant)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("import nothing_like_this", "ModuleNotFoundError: No module named 'nothing_like_this'"),
        ("def f(:", "SyntaxError"),
        ("x = 1", "it registers no variant"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        (PLUGIN.replace('"mine"', '"full"'), "'full' .* is registered already"),
        (PLUGIN.replace('"mine"', '"my thing"'), "'my thing' is no name"),
        (PLUGIN.replace(", key_padding_mask)", ")"), r"mine\(\) must take \(q, k, v"),
        (
            "from variants import Variant, register\n@register('half')\nclass Half(Variant): ...",
            "'half' .* lacks forward, forward_cost, oracle, visible",
        ),
        (
            "from variants import register\n@register('alien')\nclass Alien: ...",
            "must be a subclass of variants.Variant",
        ),
    ],
)
def test_a_bad_file_is_named_and_takes_nothing_down(
    write: Callable[[str], Path], text: str, message: str
) -> None:
    path, before = write(text), variants.names()
    with pytest.raises(variants.PluginError, match=message) as caught:
        variants.load_plugin(path)
    assert path.name in str(caught.value)
    assert variants.names() == before


def test_what_a_failing_file_had_registered_is_taken_back(write: Callable[[str], Path]) -> None:
    with pytest.raises(variants.PluginError, match="late"):
        variants.load_plugin(write(PLUGIN + "\nraise RuntimeError('late')"))
    assert "mine" not in variants.names()


def test_no_such_file() -> None:
    with pytest.raises(variants.PluginError, match=r"nowhere\.py: no such file"):
        variants.load_plugin("nowhere.py")


def test_a_broken_entry_point_is_reported_and_the_others_work(
    registry: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("good_plugin")
    monkeypatch.setitem(sys.modules, "good_plugin", module)

    def points(group: str) -> list[EntryPoint]:
        return [
            EntryPoint("bad", "no_such_package:thing", group),
            EntryPoint("good", "good_plugin", group),
        ]

    monkeypatch.setattr(registry, "entry_points", points)
    registry.broken.cache_clear()
    try:
        ((who, why),) = variants.broken().items()
        assert who == "bad (no_such_package:thing)"
        assert "No module named 'no_such_package'" in why
        assert "full" in variants.names()
        with pytest.raises(variants.UnknownVariant, match="no_such_package"):
            variants.get("thing")
    finally:
        monkeypatch.undo()
        registry.broken.cache_clear()


def test_unknown_variant_lists_the_known() -> None:
    with pytest.raises(
        variants.UnknownVariant, match="no variant 'ful'; choose from full, hatrick"
    ):
        variants.create("ful", CONFIG)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("lsh", {"round": 2}, "lsh: no option 'round'; it has rounds, wrap, seed"),
        ("lsh", {"rounds": 0}, "lsh: rounds=0: .*greater than or equal to 1"),
        ("lsh", {"wrap": "ring"}, "lsh: wrap='ring': Input should be 'flat', 'round' or 'none'"),
        ("full", {"rounds": 1}, "full: no option 'rounds'; it has none"),
        ("sliding_window", {"left": -1}, "left=-1"),
    ],
)
def test_bad_options(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        variants.create(name, CONFIG, **options)
