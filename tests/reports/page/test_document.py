import html
import re


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
