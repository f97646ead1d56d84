import re

import pytest

from reports.gate.markdown import MOST_BYTES, to_markdown


def test_the_verdict_comes_first_then_what_failed_and_the_rest_is_folded(everything):
    text = to_markdown(everything)
    places = [
        text.index(part)
        for part in (
            "**FAILED: hatrick n=64, T=1k, forward: 1.12× as long",
            "### What got worse",
            "| hatrick n=64, T=1k, forward | 2.00 ms | 2.24 ms | 1.12× (1.09–1.15) | slower |",
            "### What is not settled",
            "| lsh n=64, T=1k, forward | 2.00 ms",
            "<details><summary>6 other points</summary>",
            "| full, T=1k, forward |",
            "<details><summary>How it was judged</summary>",
        )
    ]
    assert places == sorted(places)


def test_every_point_is_in_it_once(everything):
    rows = re.findall(r"^\| (.+?) \| .* \|$", to_markdown(everything), re.M)
    assert sorted(set(rows) - {"point", "---"}) == sorted(p.name for p in everything.points)


def test_every_row_has_as_many_cells_as_its_header(result, judged):
    text = to_markdown(result([judged("a|b <script> `c`", head=None)]))
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {7}
    assert "\\<script\\>" in text


@pytest.mark.parametrize("times", [100, 1000])
def test_of_many_points_it_says_how_many_are_left_out(result, every_kind, times):
    text = to_markdown(result(every_kind * times, notes=["a note " * 10] * 500))
    assert len(text.encode()) <= MOST_BYTES
    shown = len(re.findall(r"^\| (?!point|---)", text, re.M))
    left = sum(map(int, re.findall(r"^(\d+) more points? left out here", text, re.M)))
    assert shown + left == len(every_kind) * times
    assert text.count("<details>") == text.count("</details>") == 2


def test_names_without_end_stay_below_the_limit(result, judged):
    points = [judged("é" * 50_000, head=None) for _ in range(5)]
    assert len(to_markdown(result(points)).encode()) <= MOST_BYTES
