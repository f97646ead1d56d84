import base64
import gzip
import html
import json
import re

from reports.page.document import Lead, document
from reports.page.sections import Part


def test_nothing_is_asked_for_from_elsewhere(page):
    whole = page.read_text("utf-8")
    assert not re.search(r"<(?:script|img|iframe|source)[^>]+\bsrc=", whole)
    assert "<link" not in whole
    assert "default-src 'none'" in whole
    assert "form-action 'none'" in whole


def test_text_from_outside_is_harmless(text, harmful):
    assert "window.harm=1</script>" not in text
    assert "<img" not in text
    assert html.escape(harmful) in text


def test_the_contents_name_every_part(text):
    contents = re.search(r'<nav aria-label="Contents">(.*?)</nav>', text)[1]
    anchors = re.findall(r'href="#([\w-]+)"', contents)
    assert anchors == re.findall(r'<section id="([\w-]+)"', text)
    assert len(anchors) == len(set(anchors)) == 11


def test_every_chart_and_every_set_of_rows_is_carried(text, carried):
    assert set(re.findall(r'data-figure="([^"]+)"', text)) == set(carried["figures"])
    used = re.findall(r'data-(?:rows|any)="(\d+)"', text)
    assert {int(number) for number in used} == set(range(len(carried["rowsets"])))
    points = len(carried["hover"])
    assert all(row < points for rows in carried["rowsets"] for row in rows)


def test_ids_are_unique(text):
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_how_to_repeat_it_is_there(text):
    assert "hatrick sweep --preset quick</code></pre>" in text


def test_what_leads_stands_before_what_the_runs_say(run, record):
    lead = Lead("A <title>", "<p>opening</p>", [Part("first", "First", "body")], [], ".x { y: z }")
    text = document([run([record()])], "", "page", lead=lead)
    assert "<h1>A &lt;title&gt;</h1>\n<p>opening</p>" in text
    anchors = re.findall(r'<section id="([\w-]+)"', text)
    assert anchors[:3] == ["first", "findings", "scaling"]
    assert text.split("</style>")[0].endswith(".x { y: z }")


def test_a_lead_needs_no_run():
    text = document([], "", "page", lead=Lead("Title", "", [Part("first", "First", "body")], []))
    assert re.findall(r'<section id="([\w-]+)"', text) == ["first", "how-to-read"]


def hovers_of(text):
    packed = re.search(r'id="data">([^<]*)<', text)[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))["hover"]


def test_hovers_name_the_run_where_there_are_several(run, record):
    one, two = run([record()], name="one"), run([record()], name="two<b>")
    hovers = hovers_of(document([one, two], "", "page"))
    assert [text.split("<br>")[-1] for text in hovers] == ["run one", "run two&lt;b&gt;"]
    assert "run one" not in hovers_of(document([one], "", "page"))[0]
