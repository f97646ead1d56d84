"""Attentions behind one interface, by name.

>>> import variants
>>> variants.names()
['full', 'hatrick', 'lsh', 'sliding_window']
"""

from variants import full, hatrick, lsh, sliding_window
from variants.interface import (
    AttentionConfig,
    Support,
    Target,
    Variant,
    VariantOptions,
    Workload,
)
from variants.plain_function import register_core
from variants.registry import (
    PluginError,
    UnknownVariant,
    broken,
    create,
    get,
    load_plugin,
    names,
    parse_options,
    register,
)

__all__ = [
    "AttentionConfig",
    "PluginError",
    "Support",
    "Target",
    "UnknownVariant",
    "Variant",
    "VariantOptions",
    "Workload",
    "broken",
    "create",
    "full",
    "get",
    "hatrick",
    "load_plugin",
    "lsh",
    "names",
    "parse_options",
    "register",
    "register_core",
    "sliding_window",
]
