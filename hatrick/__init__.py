"""HATrick: hierarchical attention over chunks and their CLS vectors."""

from hatrick.cost import Cost
from hatrick.module import HATrick

__all__ = ["Cost", "HATrick"]
