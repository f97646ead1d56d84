"""Attentions behind one interface, by name.

>>> import variants
>>> variants.names()
['full', 'hatrick', 'lsh', 'sliding_window']
"""

from hatrick.cost import Cost
from variants import full, hatrick, lsh, sliding_window
from variants.config import (
    AttentionConfig,
    Support,
    Target,
    VariantOptions,
    Workload,
    WrongShape,
)
from variants.interface import Variant
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
    "Cost",
    "PluginError",
    "Support",
    "Target",
    "UnknownVariant",
    "Variant",
    "VariantOptions",
    "Workload",
    "WrongShape",
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
