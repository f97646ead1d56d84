from io import StringIO

import pytest
from rich.console import Console

from reports.gate.cells import rows
from reports.gate.table import rich_result


def printed(result, width=80, **options):
    out = StringIO()
    Console(file=out, width=width, **options).print(rich_result(result))
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_every_number_is_whole_and_no_line_is_too_long(everything, width):
    text = printed(everything, width)
    assert max(map(len, text.splitlines())) <= width
    lines = text.splitlines()
    for row in rows(everything):
        figures = [cell for cell in row.timing if cell]
        assert any(all(figure in line for figure in figures) for line in lines)


def test_the_verdict_comes_first_and_the_notes_last(everything):
    lines = printed(everything, 1000).splitlines()
    assert lines[0].startswith("FAILED: hatrick n=64, T=1k, forward: 1.12× as long (1.09–1.15); ")
    assert lines[-1].startswith("* About 12 more blocks")


def test_what_got_worse_stands_below_the_name(everything):
    lines = [line.strip() for line in printed(everything, 200).splitlines()]
    at = next(n for n, line in enumerate(lines) if line.startswith("FAILED lsh n=64, T=256"))
    assert lines[at + 1 : at + 3] == [
        "workspace 4.00 MiB → 4.50 MiB (+12%)",
        "FLOPs 268,435,456 → 301,989,888 (+12%)",
    ]


def test_names_with_markup_are_shown_as_they_are(result, judged):
    assert "[bold]mine[/bold], T=1k" in printed(result([judged("[bold]mine[/bold], T=1k")]), 120)


def test_failures_are_red_in_a_terminal(everything):
    text = printed(everything, force_terminal=True, color_system="standard")
    assert "\x1b[1;31mFAILED" in text
