"""Who is there: attentions by name, from this package, from entry points and from files."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch
from pydantic import ValidationError

from hatrick.inputs import check_seq_len
from hatrick.module import HATrick
from variants.chunk_sizes import choose_for_variant
from variants.config import AttentionConfig, VariantOptions
from variants.interface import Variant

ENTRY_POINT_GROUP = "hatrick.variants"

V = TypeVar("V", bound=type[Variant])

_variants: dict[str, type[Variant]] = {}


class UnknownVariant(ValueError):
    """No attention of that name is registered."""


class PluginError(ValueError):
    """A plug-in cannot be used; the message names it and says why."""


def _origin(thing: Any) -> str:
    try:
        return inspect.getfile(thing)
    except (TypeError, OSError):
        return str(getattr(thing, "__module__", "?"))


def register(name: str) -> Callable[[V], V]:
    """Class decorator: makes a `Variant` subclass known as `name`.

    Raises:
        PluginError: the name is taken or malformed, the class is no `Variant`, or a method that
            every variant must have is missing.
    """

    if not isinstance(name, str):
        raise PluginError(f"write @register('name'), with a name, above {name!r}")

    def add(cls: V) -> V:
        if not name.replace("_", "").replace("-", "").isalnum():
            raise PluginError(
                f"{name!r} is no name for a variant: use letters, digits, '_' and '-' "
                f"({_origin(cls)})"
            )
        if not (isinstance(cls, type) and issubclass(cls, Variant)):
            raise PluginError(f"variant {name!r}: {cls!r} must be a subclass of variants.Variant")
        if not (isinstance(cls.Options, type) and issubclass(cls.Options, VariantOptions)):
            raise PluginError(
                f"variant {name!r} ({_origin(cls)}): Options must be a subclass of "
                f"variants.VariantOptions, got {cls.Options!r}"
            )
        if not (isinstance(cls.backends, tuple) and cls.backends):
            raise PluginError(
                f"variant {name!r} ({_origin(cls)}): backends must be a tuple of at least one "
                f"name, got {cls.backends!r}"
            )
        if missing := sorted(getattr(cls, "__abstractmethods__", ())):
            raise PluginError(f"variant {name!r} ({_origin(cls)}) lacks {', '.join(missing)}")
        if name in _variants:
            raise PluginError(
                f"variant {name!r} ({_origin(cls)}) is registered already, "
                f"by {_origin(_variants[name])}"
            )
        cls.name = name
        _variants[name] = cls
        return cls

    return add


@lru_cache(maxsize=1)
def broken() -> dict[str, str]:
    """Entry points of the group `hatrick.variants` that could not be loaded, and why.

    The first call loads them all; one that fails takes nothing else down.
    """
    failed = {}
    for point in entry_points(group=ENTRY_POINT_GROUP):
        module = point.value.partition(":")[0]
        before = set(_variants)
        try:
            point.load()
        except (Exception, SystemExit) as error:  # a plug-in may raise anything
            # Only its own: what it imported, another plug-in perhaps, works and stays.
            for name in set(_variants) - before:
                if _variants[name].__module__.split(".")[0] == module.split(".")[0]:
                    del _variants[name]
            failed[f"{point.name} ({point.value})"] = f"{type(error).__name__}: {error}"
        else:
            if not any(cls.__module__.startswith(module) for cls in _variants.values()):
                failed[f"{point.name} ({point.value})"] = "it registers no variant"
    return failed


def is_plugin_file(plugin: str | Path) -> bool:
    """Whether a plug-in is named by its file: by a path, or a name that ends in `.py`. Else it is
    a module."""
    return isinstance(plugin, Path) or plugin.endswith(".py") or "/" in plugin or os.sep in plugin


def load_plugin(plugin: str | Path) -> list[str]:
    """Run a Python file, or import a module, that registers variants.

    Loading the same one again changes nothing.

    Args:
        plugin: a path or a name that ends in `.py`; else the dotted name of a module.

    Returns:
        The names that it registered.

    Raises:
        PluginError: there is no such file or module, it raises, or it registers nothing. What it
            had registered by then is taken back.
    """
    if is_plugin_file(plugin):
        file = Path(plugin).resolve()
        if not file.is_file():
            raise PluginError(f"plug-in {plugin}: no such file")
        module = f"hatrick_plugin_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}"
    else:
        file, module = None, str(plugin)
    if module in sys.modules and (added := _registered_by(module)):
        return added
    before, loaded = dict(_variants), set(sys.modules)
    try:
        if file is not None:
            _import_file(module, file)
        elif plugin_origin(module) is None:
            raise PluginError("no such module; the name of a file ends in .py")
        else:
            importlib.import_module(module)
        added = _registered_by(module)
        if not added:
            raise PluginError("it registers no variant; see variants.register")
    except BaseException as error:
        for name in set(sys.modules) - loaded:
            if _is_within(name, module):
                del sys.modules[name]
        _variants.clear()
        _variants.update(before)
        if not isinstance(error, Exception | SystemExit):
            raise
        kind = "" if isinstance(error, PluginError) else f"{type(error).__name__}: "
        raise PluginError(f"plug-in {plugin}: {kind}{error}") from error
    return added


def plugin_origin(module: str) -> Path | None:
    """The file of a module, or a package's `__init__.py`, without running it; None without one.

    Raises:
        ImportError: a package that it lies in cannot be imported.
    """
    spec = importlib.util.find_spec(module)
    return None if spec is None or spec.origin is None else Path(spec.origin)


def _import_file(module: str, file: Path) -> None:
    spec = importlib.util.spec_from_file_location(module, file)
    if spec is None or spec.loader is None:
        raise PluginError("not a Python file (.py)")
    made = importlib.util.module_from_spec(spec)
    sys.modules[module] = made
    spec.loader.exec_module(made)


def _registered_by(module: str) -> list[str]:
    return [name for name, cls in _variants.items() if _is_within(cls.__module__, module)]


def _is_within(name: str, module: str) -> bool:
    """Whether `name` is `module` or one of its submodules."""
    return name == module or name.startswith(f"{module}.")


def names() -> list[str]:
    """All registered names, in the order of registration."""
    broken()
    return list(_variants)


def get(name: str) -> type[Variant]:
    """The class registered as `name`.

    Raises:
        UnknownVariant: there is none.
    """
    broken()
    if name not in _variants:
        failed = "".join(f"; plug-in {who} failed: {why}" for who, why in broken().items())
        raise UnknownVariant(f"no variant {name!r}; choose from {', '.join(_variants)}{failed}")
    return _variants[name]


def parse_options(name: str, options: dict[str, Any]) -> VariantOptions:
    """Validated options of a variant, defaults filled in.

    Raises:
        UnknownVariant: there is no such variant.
        ValueError: an option that it does not have, or a value that is not allowed.
    """
    model = get(name).Options
    try:
        return model.model_validate(options)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            where = ".".join(str(part) for part in problem["loc"]) or "options"
            if problem["type"] == "extra_forbidden":
                known = ", ".join(model.model_fields) or "none"
                lines.append(f"no option {where!r}; it has {known}")
            else:
                lines.append(f"{where}={problem['input']!r}: {problem['msg']}")
        raise ValueError(f"{name}: {'; '.join(lines)}") from None


def create(
    name: str,
    config: AttentionConfig,
    *,
    chunk_size: Literal["auto"] | None = None,
    seq_len: int | None = None,
    backend: str = "auto",
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    **options: Any,
) -> Variant:
    """Build the attention sub-layer `name`.

    >>> layer = create("lsh", AttentionConfig(dim=64, heads=4, chunk_size=32), rounds=2)

    Args:
        chunk_size: None: the config's. `"auto"`: in its place the best known one for sequences of
            `seq_len` tokens on this `device`, by `hatrick.choose_chunk_size`; the layer's
            `chunk_size_source` says where it comes from.
        seq_len: T, for `"auto"` and with nothing else. Any other length runs, too.

    Raises:
        UnknownVariant: there is no such variant.
        ValueError: an unknown option or backend, a value that is not allowed, or "auto" for a
            variant that has no chunks.
    """
    cls, parsed = get(name), parse_options(name, options)
    if chunk_size not in (None, "auto"):
        raise ValueError(
            f'chunk_size={chunk_size!r}: create takes "auto"; a number stands in the config, '
            f"AttentionConfig(dim, heads, chunk_size={chunk_size!r})"
        )
    check_seq_len(chunk_size or config.chunk_size, seq_len)
    if seq_len is None:
        return cls(config, parsed, backend=backend, device=device, dtype=dtype)
    choice = choose_for_variant(cls, config, parsed, seq_len, backend, device, dtype)
    config = replace(config, chunk_size=choice.chunk_size)
    layer = cls(config, parsed, backend=backend, device=device, dtype=dtype)
    for module in layer.modules():  # HATrick's layer lies within its variant
        if isinstance(module, Variant | HATrick):
            module.chunk_size_source = choice.source
    return layer
