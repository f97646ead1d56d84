"""How the page opens: what was measured where, and the answer in words."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from textwrap import shorten

import pandas as pd

from reports import settings
from reports.models.findings import Finding, findings
from reports.page.facts import unfit
from reports.page.filters import address
from reports.palette import styles
from reports.runfile import Run
from reports.statuses import GRAVEST, outcome

SPOKEN = {
    "hatrick": "HATrick",
    "full": "full",
    "lsh": "LSH",
    "sliding_window": "sliding-window",
}

SPOKEN_CHARACTERS = 60
"""Of a finding, in the name of its link."""


def title(frame: pd.DataFrame, runs: Sequence[Run]) -> str:
    """What was measured where, as text."""
    devices = sorted({name for run in runs for name in run.environment.devices.values()})
    names = variant_names(frame)
    what = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
    return f"{what or 'No'} attention on {' and '.join(devices) or 'no device'}"


def variant_names(frame: pd.DataFrame) -> list[str]:
    """The variants of a frame as prose names them, HATrick first."""
    variant_of = dict(zip(frame["label"], frame["variant"], strict=True))
    names = dict.fromkeys(variant_of[label] for label in styles(frame))
    return [SPOKEN.get(name, name) for name in names]


def opening(frame: pd.DataFrame, runs: Sequence[Run], page: str = "") -> str:
    """When, with what, how much of it gave figures, and the findings, as HTML.

    Args:
        page: the file that its links lead to; empty for the page that it is on.
    """
    when = ", ".join(f"{run.environment.created_at:%d %B %Y %H:%M %Z}".strip() for run in runs)
    torch = ", ".join(sorted({run.environment.packages.get("torch", "?") for run in runs}))
    line = f'<p class="quiet">{escape(when)} · torch {escape(torch)} · {_counts(frame, page)}.</p>'
    warnings = "".join(f'<p class="bad">{escape(words)}</p>' for words in map(unfit, runs) if words)
    common = settings.common(frame)
    throughout = f'<p class="quiet">Throughout: {escape(common)}.</p>' if common else ""
    return f'{line}\n{warnings}<div class="statement">{_answer(frame, page)}{throughout}</div>'


def _answer(frame: pd.DataFrame, page: str) -> str:
    found = findings(frame)
    if frame.empty:
        return "".join(f"<p>{escape(one.text)}</p>" for one in found)
    items = "".join(_item(number, one, page) for number, one in enumerate(found, 1))
    return f'<ol class="findings">{items}</ol>'


def _item(number: int, one: Finding, page: str) -> str:
    # A list of a page's links is read aloud without what stands beside them.
    start = shorten(one.text, SPOKEN_CHARACTERS, placeholder=" …")
    return (
        f'<li>{escape(one.text)} <a href="{page}{escape(address(one.state, one.chart))}" '
        f'aria-label="Show it: finding {number}, {escape(start)}">Show it</a></li>'
    )


def _counts(frame: pd.DataFrame, page: str) -> str:
    ok = int((frame["status"] == "ok").sum())
    counts = f"{ok} of {len(frame)} points gave a valid latency"
    found = frame.value_counts(["status", "predicted"])
    kinds = [(s, predicted) for s in GRAVEST for predicted in (False, True)]
    others = [f"{found[kind]} {outcome(*kind)}" for kind in kinds if kind in found]
    return f'{counts}; <a href="{page}#failures">{", ".join(others)}</a>' if others else counts
