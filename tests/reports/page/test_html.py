import re

import pytest

from reports.page import html
from reports.page.figures import Chart


@pytest.fixture
def chart():
    def made(**changes):
        values = {
            "name": "scaling",
            "part": "scaling",
            "title": "Latency of <b>x</b> &amp; y",
            "how": "Bars are <i>intervals</i>.",
            "head": {},
            "traces": [],
            "layout": {},
            "curves": 3,
        }
        return Chart(**values | changes)

    return made


def test_a_table_escapes_and_groups_by_its_first_cell():
    text = html.table(
        ("T", "what"),
        [["256", "<b>"], ["256", "x"], ["512", "y"]],
        numeric=("T",),
        states=["", "failed", "quiet"],
    )
    assert "<td>&lt;b&gt;</td>" in text
    classes = re.findall(r'<tr(?: class="([^"]*)")?><td', text)
    assert classes == ["first", "failed", "first quiet"]
    assert text.count('class="number"') == 4
    assert '<div class="scroll" tabindex="0">' in text


def test_a_row_names_the_points_it_was_computed_from():
    text = html.table(("a",), [["x"], ["y"]], rowsets=[4, 0], name="table-law")
    assert re.findall(r'<tr[^>]*data-rows="(\d)"', text) == ["4", "0"]
    assert '<table id="table-law">' in text


def test_a_chart_has_its_title_its_words_and_two_buttons(chart):
    text = html.chart(chart(), "More & more.")
    assert "<h3>Latency of <b>x</b> &amp; y</h3>" in text
    assert '<p class="quiet">Bars are <i>intervals</i>.</p>' in text
    assert '<p class="quiet">More &amp; more.</p>' in text
    assert re.findall(r'data-save="(\w+)"', text) == ["png", "svg"]


def test_a_chart_under_a_heading_of_its_own_has_a_lower_one(chart):
    assert "<h4>Latency of <b>x</b> &amp; y</h4>" in html.chart(chart(), level=4)


def test_what_is_read_aloud_is_text(chart):
    spoken = re.findall(r'aria-label="([^"]*)"', html.chart(chart()))
    assert spoken[0] == "Latency of  x  &amp; y"
    assert spoken[1] == "Save as PNG: Latency of  x  &amp; y"
    harmful = html.chart(chart(title='&lt;script&gt;"x"'))
    assert 'aria-label="&lt;script&gt;&quot;x&quot;"' in harmful


def test_a_chart_has_room_for_every_curve_in_its_legend(chart):
    assert "--curves: 3" in html.chart(chart())
