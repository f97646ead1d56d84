"""The summary as text: the same cells for the terminal, for Markdown and for the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import fill

import pandas as pd
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reports import settings, units
from reports.cautions import cautions, missed_target, sentences
from reports.settings import Setting
from reports.statuses import outcome
from reports.summary import failures, summarise

HEADERS = (
    "T",
    "attention",
    "chunk",
    "latency (95% interval)",
    "samples",
    "against full",
    "workspace",
    "workspace against full",
    "distance",
    "cosine",
    "oracle",
    "oracle error",
    "backend",
    "cautions",
)
NUMERIC = (
    "T",
    "chunk",
    "latency (95% interval)",
    "samples",
    "workspace",
    "distance",
    "cosine",
    "oracle error",
    "points",
)
NOT_IN_TERMINAL = (
    "samples",
    "workspace against full",
    "cosine",
    "oracle",
    "oracle error",
    "backend",
    "cautions",
)
"""A terminal of 80 characters has no room for them; sentences below speak of the oracle and of
what to be careful of."""
FOLDING = ("attention", "against full", "where", "reason")
"""In a terminal these columns give way to the others, which are as wide as their longest cell."""
QUIET = "bright_black"
ROW_STYLES = {"ok": "", "left_out": QUIET}
"""All other statuses are failures, and red."""
CHUNKS_WIDTH = 7
"""Characters of a terminal line that chunk sizes which failed alike may take."""
RATIO_INTERVAL_WIDTH = len("1.23–1.34")
"""Characters that the interval of a ratio may take there; a longer one (of ratios above 1000) is on
the page alone."""
FAILURE_HEADERS = ("status", "attention", "points", "where", "reason")
FAILURES = "Points without a valid latency"


def cells(summary: pd.DataFrame) -> list[list[str]]:
    """The text of every row of `summarise`, one string for each of `HEADERS`.

    A latency that missed its target has a second line that says so.
    """
    return [_row_cells(row) for _, row in summary.iterrows()]


def failure_cells(frame: pd.DataFrame) -> list[list[str]]:
    """The text of every row of `failures`, one string for each of `FAILURE_HEADERS`."""
    return [
        [outcome(row.status, row.predicted), row.label, str(row.points), row.where, row.reason]
        for row in failures(frame).itertuples()
    ]


def rich_tables(frame: pd.DataFrame) -> RenderableType:
    """The summary of a frame of `reports.load` for a terminal, with the failures below.

    Give it a console of 80 columns or more: every number and header is whole there.
    """
    parts: list[RenderableType] = [_rich_summary(setting) for setting in settings.split(frame)]
    grouped = failure_cells(frame)
    if grouped:
        table = _rich_table(FAILURES, FAILURE_HEADERS)
        for row, status in zip(grouped, failures(frame)["status"], strict=True):
            table.add_row(*map(Text, row), style=QUIET if status == "left_out" else "")
        parts.append(table)
    return Group(*parts or [Text("No point was measured.")])


def markdown(frame: pd.DataFrame) -> str:
    """The summary of a frame of `reports.load` as Markdown, with the failures below."""
    parts = []
    for setting in settings.split(frame):
        parts += [f"### {_plain(setting.title)}", ""]
        parts += [*_markdown_table(HEADERS, cells(summarise(setting.frame))), ""]
        parts += [f"{_plain(' '.join(said))}\n"] if (said := sentences(setting.frame)) else []
    grouped = failure_cells(frame)
    if grouped:
        parts += [f"### {FAILURES}", ""]
        parts += [*_markdown_table(FAILURE_HEADERS, grouped), ""]
    return "\n".join(parts or ["No point was measured.", ""])


def _row_cells(row: pd.Series) -> list[str]:
    chunks = ", ".join(map(str, row["chunk_sizes"])) or "–"
    about = [units.tokens(row["seq_len"]), row["label"], chunks]
    if pd.isna(row["latency_ms"]):
        words = outcome(row["status"], row["predicted"])
        return [*about, words, *[""] * (len(HEADERS) - len(about) - 1)]
    is_ok = row["status"] == "ok"
    return [
        *about,
        _latency(row) if is_ok else f"throttled, {units.duration(row['latency_ms'])}",
        str(int(row["samples"])),
        row["against_full"] if is_ok else "",
        units.size(row["workspace_bytes"]),
        _less_or_more(row["workspace_ratio"]) if row["variant"] != "full" else "",
        units.distance(row["distance_to_full"]),
        units.cosine(row["cosine_to_full"]),
        "pass" if row["oracle"] == "independent" else "pass (self)",
        units.scientific(row["oracle_error"]),
        row["backend_used"],
        "; ".join(cautions(row)),
    ]


def _latency(row: pd.Series) -> str:
    figures = units.measured(row["latency_ms"], row["latency_low_ms"], row["latency_high_ms"])
    return "\n".join(filter(None, [figures, missed_target(row)]))


def _less_or_more(ratio: float) -> str:
    """Full attention's workspace over this one's, in words; empty where there is none."""
    if pd.isna(ratio):
        return ""
    if f"{ratio:.2f}" == "1.00":
        return "same"
    return f"{units.factor(ratio)} less" if ratio > 1 else f"{units.factor(1 / ratio)} more"


def _rich_table(title: str, headers: Sequence[str]) -> Table:
    heading = Text(f"\n{title}", "bold")
    # No frame and one space between columns: 80 characters hold a whole row.
    table = Table(
        title=heading, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=0
    )
    for header in headers:
        table.add_column(
            header,
            justify="right" if header in NUMERIC else "left",
            # Half a number is a wrong number: only words are ever broken.
            no_wrap=header not in FOLDING,
            min_width=max(map(len, header.split())),
            overflow="fold",
        )
    return table


def _rich_summary(setting: Setting) -> Table:
    summary = summarise(setting.frame)
    headers = [header for header in HEADERS if header not in NOT_IN_TERMINAL]
    table = _rich_table(setting.title, headers)
    before = ""
    for row, status in zip(cells(summary), summary["status"], strict=True):
        text = dict(zip(HEADERS, row, strict=True))
        text["chunk"] = fill(text["chunk"], CHUNKS_WIDTH)
        if interval := re.search(r" \((\S+–\S+)\)$", text["against full"]):
            is_short = len(interval[1]) <= RATIO_INTERVAL_WIDTH
            below = f"\n{interval[1]}" if is_short else ""
            text["against full"] = text["against full"][: interval.start()] + below
            table.columns[headers.index("against full")].min_width = RATIO_INTERVAL_WIDTH
        shown = [Text(text[header]) for header in headers]
        # A length is written once: the eye finds its group by the gap above it.
        if text["T"] == before:
            shown[0] = Text("")
        else:
            table.add_section()
        table.add_row(*shown, style=ROW_STYLES.get(status, "red"))
        before = text["T"]
    said = [_oracle_sentence(summary), *sentences(setting.frame)]
    table.caption = Text(" ".join(filter(None, said)), justify="left")
    return table


def _oracle_sentence(summary: pd.DataFrame) -> str:
    """What the oracle check says of the rows that have a latency."""
    timed = summary[summary["latency_ms"].notna()]
    if timed.empty:
        return ""
    by_itself = sorted(set(timed.loc[timed["oracle"] == "self", "label"]))
    exception = f" ({', '.join(by_itself)}: only against itself)" if by_itself else ""
    return f"Every row with a latency passed its oracle check{exception}."


def _markdown_table(headers: Sequence[str], rows: list[list[str]]) -> list[str]:
    lines = [headers, ["--:" if header in NUMERIC else "---" for header in headers]]
    return [
        *("| " + " | ".join(line) + " |" for line in lines),
        *("| " + " | ".join(map(_plain, row)) + " |" for row in rows),
    ]


def _plain(text: str) -> str:
    """Text that Markdown shows as it is: on one line, no cell border, no markup of its own."""
    flat = " ".join(text.split())
    for sign in "\\|<>`*_[]":
        flat = flat.replace(sign, "\\" + sign)
    return flat
