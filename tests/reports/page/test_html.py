import json
import re

from reports.charts import latency
from reports.frame import to_frame
from reports.page import html


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
    assert '<div class="scroll"' in text


def test_a_chart_carries_its_figure_and_cannot_end_its_script(run, record):
    name = "</script><script>alert(1)</script>"
    figure = latency(to_frame([run([record(name)])]))
    text = html.chart(figure, "chart-1")
    assert text.count("</script>") == 1
    data = json.loads(text.split('id="chart-1">')[1].split("</script>")[0])
    assert data["data"][0]["x"] == [256]
    assert not data["layout"].get("title")
    assert not data["layout"].get("template")
    assert f"<h3>{figure.layout.title.text}</h3>" in text


def test_the_figure_given_is_left_as_it_was(run, record):
    figure = latency(to_frame([run([record()])]))
    before = figure.to_json()
    html.chart(figure, "chart-1")
    assert figure.to_json() == before


def test_a_chart_has_room_for_every_curve_in_its_legend(run, record):
    made = [record(name, chunk_size=n) for name in ("full", "lsh", "mine") for n in (32, 64)]
    assert "--curves: 3" in html.chart(latency(to_frame([run(made)])), "chart-1")
