"""One look for every curve, the same on every chart.

Colours are of Okabe and Ito's set for colour-blind readers, or near it, and only those that stand
out (3:1) on white and on near-black. The symbol says the same again, for print.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

NAMED = {
    "hatrick": "#d55e00",
    "full": "#0072b2",
    "sliding_window": "#c46a9b",
    "lsh": "#009e73",
}
OTHERS = ("#a6761d", "#7f7f7f", "#8c6bd1", "#3a92c9")
DASHES = ("solid", "dash", "dot", "dashdot")
SYMBOLS = (
    "circle",
    "square",
    "diamond",
    "triangle-up",
    "pentagon",
    "star",
    "triangle-down",
    "hexagon",
)


@dataclass(frozen=True)
class Style:
    """How one label is drawn: the colour is its variant's, the dash tells labels of it apart."""

    colour: str
    dash: str
    symbol: str


Styles = dict[str, Style]
"""How each label is drawn."""


def styles(frame: pd.DataFrame) -> dict[str, Style]:
    """A style for every label of a frame, in the order in which legends and tables name them.

    HATrick, full, sliding window and LSH first, with colours of their own; others by name.
    """
    names = frame.drop_duplicates("label")[["variant", "label"]]
    others = sorted(set(names["variant"]) - set(NAMED))
    colours = NAMED | {name: OTHERS[i % len(OTHERS)] for i, name in enumerate(others)}
    found: dict[str, Style] = {}
    for variant, colour in colours.items():
        for nth, label in enumerate(sorted(names.loc[names["variant"] == variant, "label"])):
            symbol = SYMBOLS[len(found) % len(SYMBOLS)]
            found[label] = Style(colour, DASHES[nth % len(DASHES)], symbol)
    return found
