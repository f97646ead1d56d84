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
NEUTRAL = "#808790"
"""For what belongs to no variant: the roofs of a device, the front of a length."""
SEQUENCE = ("#3a86d8", "#8a7fa8", "#d5661a")
"""For what is ordered and no variant, such as lengths: a scale through these."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
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
    """How one label is drawn: the colour is its variant's, the symbol its own."""

    colour: str
    symbol: str
    nth: int
    """Which of the labels of its variant it is, from 0."""

    def dash(self, setting: int = 0) -> str:
        """The dash of its curve in the nth setting of a chart.

        Curves of one variant differ in it where there is one setting, or one label of each variant;
        with several of both, no two of them share both dash and symbol.
        """
        return DASHES[(self.nth + setting) % len(DASHES)]


Styles = dict[str, Style]
"""How each label is drawn."""


def styles(frame: pd.DataFrame) -> Styles:
    """A style for every label of a frame, in the order in which legends and tables name them.

    HATrick, full, sliding window and LSH first, with colours of their own; others by name.
    """
    names = frame.drop_duplicates("label")[["variant", "label"]]
    others = sorted(set(names["variant"]) - set(NAMED))
    colours = NAMED | {name: OTHERS[i % len(OTHERS)] for i, name in enumerate(others)}
    found: Styles = {}
    for variant, colour in colours.items():
        for nth, label in enumerate(sorted(names.loc[names["variant"] == variant, "label"])):
            found[label] = Style(colour, SYMBOLS[len(found) % len(SYMBOLS)], nth)
    return found


def faded(colour: str, opacity: float) -> str:
    """A colour of the palette that what lies below shows through.

    Args:
        colour: as `#rrggbb`.
        opacity: from 0, nothing of it, to 1.
    """
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity:g})"
