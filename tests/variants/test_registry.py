"""Names, options, plug-ins, and what goes wrong with them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
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
        ("from variants import register\n@register\nclass A: ...", "write @register"),
        (PLUGIN.replace('("mine")', ""), "write @register_core"),
        (
            "from variants import lsh, register\n@register('o')\nclass O(lsh.LSH): Options = dict",
            "Options must be a subclass of variants.VariantOptions",
        ),
        (
            "from variants import lsh, register\n@register('b')\nclass B(lsh.LSH): backends = ()",
            "backends must be a tuple of at least one name",
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


@pytest.fixture
def module(
    tmp_path: Path, registry: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., str]]:
    """Write a package that can be imported, and say what it is called."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write_module(**sources: str) -> str:
        folder = tmp_path / "their_package"
        folder.mkdir()
        for name, source in sources.items():
            (folder / f"{name}.py").write_text(source)
        return folder.name

    yield write_module
    for name in [m for m in sys.modules if m.startswith("their_package")]:
        del sys.modules[name]


def test_a_module_registers_and_loading_it_twice_is_fine(module: Callable[..., str]) -> None:
    other = PLUGIN.replace('"mine"', '"other"')
    name = module(__init__="from their_package import inner", inner=PLUGIN, more=other)
    assert variants.load_plugin(name) == ["mine"]
    assert variants.load_plugin(name) == ["mine"]
    assert variants.load_plugin(f"{name}.inner") == ["mine"]  # it was imported with the package
    assert variants.load_plugin(f"{name}.more") == ["other"]
    assert {"mine", "other"} <= set(variants.names())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1", "it registers no variant"),
        ("import nothing_like_this", "ModuleNotFoundError: No module named 'nothing_like_this'"),
        ("from their_package import inner\nraise OSError('late')", "OSError: late"),
    ],
)
def test_a_bad_module_is_named_and_leaves_nothing_behind(
    module: Callable[..., str], source: str, message: str
) -> None:
    name, before = module(__init__=source, inner=PLUGIN), variants.names()
    with pytest.raises(variants.PluginError, match=f"plug-in {name}: {message}"):
        variants.load_plugin(name)
    assert variants.names() == before
    assert not [each for each in sys.modules if each.startswith(name)]


@pytest.mark.parametrize("name", ["nowhere_to_be_found", "their.own", "variants.nothing"])
def test_no_such_module(name: str) -> None:
    with pytest.raises(variants.PluginError, match=f"plug-in {name}: .*[Nn]o (such )?module"):
        variants.load_plugin(name)


def test_a_module_that_others_use_stays_imported(registry: ModuleType) -> None:
    with pytest.raises(variants.PluginError, match="json: it registers no variant"):
        variants.load_plugin("json")
    assert "json" in sys.modules


@pytest.mark.parametrize("plugin", ["mine.py", "near/mine", "/mine", Path("mine"), "a.b.py"])
def test_what_is_a_file(plugin: str | Path, registry: ModuleType) -> None:
    assert registry.is_plugin_file(plugin)
    with pytest.raises(variants.PluginError, match="no such file"):
        variants.load_plugin(plugin)


@pytest.mark.parametrize("plugin", ["mine", "variants.peers"])
def test_what_is_a_module(plugin: str, registry: ModuleType) -> None:
    assert not registry.is_plugin_file(plugin)


@pytest.fixture
def installed(
    registry: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[..., dict[str, str]]]:
    """Install packages with an entry point each, and say which are broken."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(**sources: str) -> dict[str, str]:
        for module, source in sources.items():
            (tmp_path / f"{module}.py").write_text(source)
        points = [EntryPoint(module, module, "hatrick.variants") for module in sources]
        monkeypatch.setattr(registry, "entry_points", lambda group: points)
        registry.broken.cache_clear()
        return variants.broken()

    yield install
    for module in [m for m in sys.modules if m.startswith("entry_")]:
        del sys.modules[module]
    monkeypatch.undo()
    registry.broken.cache_clear()


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("x = 1", "it registers no variant"),
    ],
)
def test_a_broken_entry_point_is_reported_and_the_others_work(
    installed: Callable[..., dict[str, str]], source: str, reason: str
) -> None:
    assert installed(entry_bad=source, entry_good=PLUGIN) == {"entry_bad (entry_bad)": reason}
    assert {"full", "mine"} <= set(variants.names())
    with pytest.raises(variants.UnknownVariant, match="plug-in entry_bad"):
        variants.get("thing")


def test_an_entry_point_that_fails_after_importing_a_good_one_leaves_that_alone(
    installed: Callable[..., dict[str, str]],
) -> None:
    bad = "import entry_good\n" + PLUGIN.replace('"mine"', '"half"') + "\nraise OSError('late')"
    assert installed(entry_bad=bad, entry_good=PLUGIN) == {"entry_bad (entry_bad)": "OSError: late"}
    assert "mine" in variants.names()
    assert "half" not in variants.names()


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
