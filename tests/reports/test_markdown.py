from __future__ import annotations

from reports.markdown import plain, table


def test_words_go_to_the_left_and_numbers_to_the_right() -> None:
    assert table(["T", "peer"], [["4k", "full"]], words=["peer"]).splitlines() == [
        "| T | peer |",
        "| --: | --- |",
        "| 4k | full |",
    ]


def test_no_sign_in_a_cell_is_markup() -> None:
    assert plain("a|b\n*c* <d> [e] `f`") == r"a\|b \*c\* \<d\> \[e\] \`f\`"


def test_only_underscores_at_the_edge_of_a_word_are_escaped() -> None:
    assert plain("aten::_foreach_add_ of sliding_window") == (
        r"aten::\_foreach_add\_ of sliding_window"
    )
