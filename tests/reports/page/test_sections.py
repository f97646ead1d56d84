import json
import re

from reports.frame import to_frame
from reports.page import sections


def figures(text):
    """Every chart's data of a section, by name."""
    found = re.findall(r'<script type="application/json" id="([^"]+)">(.*?)</script>', text)
    return {name: json.loads(data) for name, data in found}


def test_one_section_a_setting_with_charts_of_unique_names(run, sweep):
    frame = to_frame([run(sweep(lengths=(256, 512)) + sweep(lengths=(256, 512), causal=True))])
    one, two = sections.all_sections(frame)
    assert "<h2>not causal</h2>" in one
    assert "<h2>causal</h2>" in two
    assert len(figures(one)) == 6
    assert not set(figures(one)) & set(figures(two))


def test_a_label_has_one_colour_in_all_sections(run, record):
    made = [record("zeta"), record("alpha", causal=True), record("zeta", causal=True)]
    frame = to_frame([run(made)])
    colours = [
        trace["line"]["color"]
        for text in sections.all_sections(frame)
        for figure in figures(text).values()
        for trace in figure["data"]
        if trace["name"] == "zeta"
    ]
    assert len(colours) == 2 * 4
    assert len(set(colours)) == 1


def test_no_map_with_a_single_chunk_size(run, record):
    (text,) = sections.all_sections(to_frame([run([record("hatrick"), record("full")])]))
    assert len(figures(text)) == 4


def test_lengths_are_listed_with_their_verdict(run, record):
    made = [record("hatrick", median_ms=1.0), record("full", median_ms=3.0)]
    (text,) = sections.all_sections(to_frame([run(made)]))
    assert '<li class="faster">T 256: 3.00× faster</li>' in text


def test_overview_links_to_each_of_several_settings(run, record):
    several = sections.overview(to_frame([run([record(), record(causal=True)])]))
    assert re.findall(r'href="#(setting-\d)">([^<]+)<', several) == [
        ("setting-0", "not causal"),
        ("setting-1", "causal"),
    ]
    assert "Throughout: forward, layer, float32" in several
    assert "href" not in sections.overview(to_frame([run([record()])]))
    assert "no point yet" in sections.overview(to_frame([run([])]))


def test_names_as_prose_spells_them(run, sweep, record):
    frame = to_frame([run([*sweep(lengths=(256,)), record("mine")])])
    assert sections.variant_names(frame) == ["HATrick", "full", "sliding-window", "LSH", "mine"]
